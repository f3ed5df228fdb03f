package relying_test

import (
	"context"
	"log"
	"net/http"

	"github.com/stint-sts/stint/relying"
)

// A service of its own kind: GET /reports/… needs reports:GetReport.
func Example() {
	verifier, err := relying.New(relying.Config{
		Endpoint:    "https://sts.example.com",
		Credentials: relying.Environment(),
		Region:      "eu-west-1",
		Service:     "reports",
		Refused: func(r *http.Request, e *relying.Error) {
			log.Print(r.Method, " ", r.URL.Path, ": ", e)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = verifier.Run(context.Background()) }()

	mapper := relying.MapperFunc(func(r *http.Request) ([]relying.Request, error) {
		if r.Method != http.MethodGet {
			return nil, nil // no permission is named: refused
		}
		return []relying.Request{{
			Action:   "reports:GetReport",
			Resource: "arn:aws:reports:eu-west-1:111122223333:" + r.URL.Path[1:],
		}}, nil
	})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := relying.CallerFrom(r.Context())
		_, _ = w.Write([]byte("for " + caller.Principal.ARN + "\n"))
	})
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: verifier.Middleware(mapper)(handler)}
	_ = server.ListenAndServe
}
