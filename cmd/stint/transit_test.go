package main

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// transitToken is what the key management service of the scripts asks for.
const transitToken = "script-token"

// transit runs a key management service with the API of Vault's transit engine for the rest of the script, sets $TRANSIT to its URL,
// and writes its authority and its token to files. What it has wrapped under one name it does not unwrap under another.
func transit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: transit AUTHORITY TOKEN")
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/transit/"), "/")
		var in struct{ Plaintext, Ciphertext string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("X-Vault-Token") != transitToken {
			http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
			return
		}
		prefix := "vault:v1:" + base64.StdEncoding.EncodeToString([]byte(name)) + ":"
		switch turned, ours := strings.CutPrefix(in.Ciphertext, prefix); {
		case operation == "encrypt":
			fmt.Fprintf(w, `{"data":{"ciphertext":%q}}`, prefix+upsideDown(in.Plaintext))
		case ours:
			fmt.Fprintf(w, `{"data":{"plaintext":%q}}`, upsideDown(turned))
		default:
			http.Error(w, `{"errors":["invalid ciphertext"]}`, http.StatusBadRequest)
		}
	}))
	ts.Defer(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), authority, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(transitToken+"\n"), 0o600))
	ts.Setenv("TRANSIT", server.URL)
}

func upsideDown(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}
