package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stint-sts/stint/sigv4"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"stint": main})
}

// TestScripts runs the scripts of testdata/script against the program, each in a folder of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	scripts, err := os.ReadDir("testdata/script")
	if err != nil || len(scripts) < 15 {
		t.Fatalf("%d scripts, %v: some have vanished", len(scripts), err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"waitfile": waitFile,
			"await":    await,
			"certify":  certify,
			"etcd":     etcd,
			"transit":  transit,
			"load":     load,
			"session":  keepSession,
			"call":     call,
			"mode":     mode,
			"replace":  replace,
			"browse":   browse,
			"identity": whoAmI,
		},
	})
}

// waitFile waits until a file is there.
func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfile FILE")
	}
	eventually(ts, args[0]+" is there", func() bool {
		_, err := os.Stat(ts.MkAbs(args[0]))
		return err == nil
	})
}

// await waits until a file matches an expression, and sets a variable to its first group.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: await FILE EXPRESSION VARIABLE")
	}
	expression, err := regexp.Compile(args[1])
	ts.Check(err)
	eventually(ts, args[0]+" matches "+args[1], func() bool {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		found := expression.FindSubmatch(text)
		if err != nil || len(found) < 2 {
			return false
		}
		ts.Setenv(args[2], string(found[1]))
		return true
	})
}

func eventually(ts *testscript.TestScript, what string, is func() bool) {
	const patience = 20 * time.Second
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// load sets the variables of an environment file.
func load(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: load FILE")
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok {
			ts.Fatalf("%s: not KEY=VALUE", args[0])
		}
		ts.Setenv(name, value)
	}
}

// keepSession writes the credentials of the last answer to an environment file.
func keepSession(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: session FILE")
	}
	answer := ts.ReadFile("stdout")
	var file strings.Builder
	for name, element := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey", "AWS_SESSION_TOKEN": "SessionToken",
	} {
		_, rest, found := strings.Cut(answer, "<"+element+">")
		value, _, closed := strings.Cut(rest, "</"+element+">")
		if !found || !closed {
			ts.Fatalf("the answer has no %s", element)
		}
		fmt.Fprintf(&file, "%s=%s\n", name, value)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(file.String()), 0o600))
}

// call makes a signed request with the credentials of the environment; its answer is the standard output.
func call(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: call SERVICE ACTION [NAME=VALUE…]")
	}
	form := url.Values{"Action": {args[1]}, "Version": {map[string]string{"sts": "2011-06-15", "iam": "2010-05-08"}[args[0]]}}
	for _, pair := range args[2:] {
		name, value, _ := strings.Cut(pair, "=")
		form.Set(name, value)
	}
	body := form.Encode()
	r, err := http.NewRequest(http.MethodPost, ts.Getenv("AWS_ENDPOINT_URL")+"/", strings.NewReader(body))
	ts.Check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	signer := sigv4.Signer{
		Credentials: sigv4.NewCredentials(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), ts.Getenv("AWS_SESSION_TOKEN")),
		Region:      ts.Getenv("AWS_REGION"),
		Service:     args[0],
	}
	ts.Check(signer.Sign(r, []byte(body), time.Now()))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust(ts), DisableKeepAlives: true}}
	response, err := client.Do(r)
	ts.Check(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s", answer)
	if refused := response.StatusCode != http.StatusOK; refused != neg {
		ts.Fatalf("the server answers %s\n%s", response.Status, answer)
	}
}

// certify makes a certificate for 127.0.0.1 and its key.
func certify(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: certify CERTIFICATE KEY")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	for i, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: certificate}, {Type: "PRIVATE KEY", Bytes: private}} {
		ts.Check(os.WriteFile(ts.MkAbs(args[i]), pem.EncodeToMemory(block), 0o600))
	}
}

// trust is for servers whose certificate is in the file that $CA names.
func trust(ts *testscript.TestScript) *tls.Config {
	pool := x509.NewCertPool()
	if path := ts.Getenv("CA"); path != "" {
		pool.AppendCertsFromPEM([]byte(ts.ReadFile(path)))
	}
	return &tls.Config{RootCAs: pool}
}

// mode checks the permissions of a file.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode OCTAL FILE")
	}
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm(); got != os.FileMode(want) {
		ts.Fatalf("%s has mode %v, want %v", args[1], got, os.FileMode(want))
	}
}

// replace replaces the first occurrence of a text in a file.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	before := []byte(ts.ReadFile(args[0]))
	after := bytes.Replace(before, []byte(args[1]), []byte(args[2]), 1)
	if bytes.Equal(before, after) {
		ts.Fatalf("%s does not have %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), after, 0o600))
}
