// Command bare is what every HTTP service pays before it does anything: net/http, a body read, a static answer written. Given a
// key set it parses the form and verifies the WebIdentityToken in it, with the library that Stint uses.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

func main() {
	size, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	const head, tail = "<Response>\n", "</Response>\n"
	body := []byte(head + strings.Repeat("x", max(0, size-len(head)-len(tail))) + tail)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr())
	if len(os.Args) > 2 {
		log.Fatal(http.Serve(l, verifying(os.Args[2], body)))
	}
	log.Fatal(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write(body)
	})))
}

// verifying answers whoever brings a token that verifies.
func verifying(keys string, body []byte) http.HandlerFunc {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(keys), &set); err != nil {
		log.Fatal(err)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(text))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		token, err := jose.ParseSignedCompact(form.Get("WebIdentityToken"), []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if _, err := token.Verify(set.Key(token.Signatures[0].Header.KeyID)[0].Key); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write(body)
	}
}
