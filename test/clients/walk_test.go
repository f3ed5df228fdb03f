package clients

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"github.com/stint-sts/stint/test/harness"
)

// The walk calls every operation of IAM in an order in which each finds what it needs. Its steps are data (walk/steps.json),
// which the SDK for Go walks here and the other clients in walk/walk.mjs and walk/walk.py:
//
//	op     the operation; in, its parameters, where ${name} stands for a value that was saved or given
//	want   members of the answer, by path, and their values
//	save   names for members of the answer, by path
//	until  asks again until the members have these values
//	as     a long-term access key to sign with, instead of the administrator's
//	error  the code of the refusal that is expected
type step struct {
	Op    string            `json:"op"`
	In    json.RawMessage   `json:"in"`
	Want  map[string]any    `json:"want"`
	Save  map[string]string `json:"save"`
	Until map[string]any    `json:"until"`
	As    []string          `json:"as"`
	Error string            `json:"error"`
}

// walkers is the directory that the walk begins with: an organization, and a device whose seed is known.
const walkers = `accounts:
  "111122223333":
    users:
      sam: {mfa_devices: [{name: sam, seed: ` + walkSeed + `}]}
  "444455556666": {}
organization: {management_account: "111122223333"}
`

const walkSeed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DP"

// furnish makes the values that the steps take from outside: keys, certificates, metadata and codes.
func (g goSDK) furnish(ctx context.Context) map[string]any {
	t := g.t
	t.Helper()
	roots, err := organizations.NewFromConfig(g.config(g.server.Admin)).ListRoots(ctx, &organizations.ListRootsInput{})
	g.must("ListRoots", err)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "walk.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if left := 30 - time.Now().Unix()%30; left <= 10 { // the codes must not age before the walk comes to them
		time.Sleep(time.Duration(left) * time.Second)
	}
	now := time.Now()
	return map[string]any{
		"certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})),
		"rsaKey":      string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		"sshKey":      sshKey(key),
		"entityPath":  strings.SplitN(aws.ToString(roots.Roots[0].Arn), "/", 2)[1],
		"metadata":    metadata(t, "https://idp.example"),
		"code1":       harness.Code(walkSeed, now, -2),
		"code2":       harness.Code(walkSeed, now, -1),
		"code3":       harness.Code(walkSeed, now, 0),
		"code4":       harness.Code(walkSeed, now, 1),
	}
}

// sshKey writes a public key as OpenSSH does (RFC 4253, 6.6).
func sshKey(key *rsa.PrivateKey) string {
	field := func(b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }
	number := func(i *big.Int) []byte { return field(append([]byte{0}, i.Bytes()...)) }
	blob := field([]byte("ssh-rsa"))
	blob = append(blob, field(big.NewInt(int64(key.E)).Bytes())...)
	blob = append(blob, number(key.N)...)
	return "ssh-rsa " + base64.StdEncoding.EncodeToString(blob) + " walk"
}

func steps(t *testing.T) (out []step) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("walk", "steps.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestWalk calls every operation that the SDK for Go knows.
func TestWalk(t *testing.T) {
	t.Parallel()
	g := goSDK{t: t, server: harness.Start(t, harness.Options{Directory: []byte(walkers)})}
	ctx, cancel := context.WithTimeout(t.Context(), 2*commandLimit)
	defer cancel()
	w := walk{goSDK: g, values: g.furnish(ctx)}
	called := map[string]bool{}
	for i, s := range steps(t) {
		w.step(ctx, i, s)
		called[s.Op] = called[s.Op] || s.Error == ""
	}
	for _, op := range operations() {
		if !called[op] && !slices.Contains(newer, op) {
			t.Errorf("the walk leaves out %s", op)
		}
	}
}

// newer are operations that the SDKs know and the model that Stint is generated from does not (docs/wire-compatibility.md §12).
var newer = []string{"AcquireRole", "GetAccountProperties", "GetRoleTemplateVersion", "PutAccountProperties"}

// operations are the methods of the SDK's client that call the server.
func operations() (out []string) {
	client := reflect.TypeFor[*iam.Client]()
	for i := range client.NumMethod() {
		if m := client.Method(i); m.Type.NumIn() == 4 && m.Type.NumOut() == 2 {
			out = append(out, m.Name)
		}
	}
	return out
}

type walk struct {
	goSDK
	values map[string]any
}

func (w walk) step(ctx context.Context, i int, s step) {
	w.t.Helper()
	const attempts = 100
	for range attempts {
		answer, err := w.call(ctx, s)
		switch {
		case s.Error != "":
			if got := code(err); got != s.Error {
				w.t.Fatalf("step %d, %s: %v, want %s", i, s.Op, err, s.Error)
			}
			return
		case err != nil:
			w.t.Fatalf("step %d, %s: %v", i, s.Op, err)
		}
		if until, ok := w.differs(answer, s.Until); !ok {
			time.Sleep(50 * time.Millisecond)
			w.t.Logf("step %d, %s: %s", i, s.Op, until)
			continue
		}
		if difference, ok := w.differs(answer, s.Want); !ok {
			w.t.Fatalf("step %d, %s: %s in %s", i, s.Op, difference, text(w.t, answer))
		}
		for name, path := range s.Save {
			w.values[name] = member(answer, path)
		}
		return
	}
	w.t.Fatalf("step %d, %s: never %v", i, s.Op, s.Until)
}

// call finds the method and the type of its input by the operation's name.
func (w walk) call(ctx context.Context, s step) (any, error) {
	credentials := w.server.Admin
	if s.As != nil {
		credentials = harness.Credentials{AccessKeyID: w.fill(s.As[0]).(string), SecretAccessKey: w.fill(s.As[1]).(string)}
	}
	method := reflect.ValueOf(w.iam(credentials)).MethodByName(s.Op)
	if !method.IsValid() {
		w.t.Fatalf("the SDK does not know %s", s.Op)
	}
	in := reflect.New(method.Type().In(1).Elem())
	if s.In != nil {
		var given any
		if err := json.Unmarshal(s.In, &given); err != nil {
			w.t.Fatal(err)
		}
		filled, err := json.Marshal(w.fill(given))
		if err != nil {
			w.t.Fatal(err)
		}
		if err := json.Unmarshal(filled, in.Interface()); err != nil {
			w.t.Fatalf("the parameters of %s: %v", s.Op, err)
		}
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	if err, failed := out[1].Interface().(error); failed {
		return nil, err
	}
	return plain(w.t, out[0].Interface()), nil
}

var placeholder = regexp.MustCompile(`\$\{(\w+)\}`)

// fill puts values in the place of their names.
func (w walk) fill(v any) any {
	switch v := v.(type) {
	case string:
		return placeholder.ReplaceAllStringFunc(v, func(name string) string {
			value, ok := w.values[name[2:len(name)-1]].(string)
			if !ok {
				w.t.Fatalf("nothing was saved for %s", name)
			}
			return value
		})
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = w.fill(out[i])
		}
		return out
	case map[string]any:
		out := maps.Clone(v)
		for k := range out {
			out[k] = w.fill(out[k])
		}
		return out
	default:
		return v
	}
}

// differs says which member of an answer is not as wanted; ok when all are.
func (w walk) differs(answer any, want map[string]any) (difference string, ok bool) {
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if got, wanted := member(answer, path), w.fill(want[path]); !reflect.DeepEqual(got, wanted) {
			return path + " is " + text(w.t, got) + ", want " + text(w.t, wanted), false
		}
	}
	return "", true
}

// member follows a path of names and indexes.
func member(v any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

// TestWalkOfOthers walks with the other clients, as far as each knows the operations.
func TestWalkOfOthers(t *testing.T) {
	t.Parallel()
	for name, command := range map[string][]string{
		"SDK for JavaScript": {"node", filepath.Join("walk", "walk.mjs")},
		"boto3":              {"/usr/bin/python3", "-B", filepath.Join("walk", "walk.py"), "boto3"},
		"AWS CLI":            {"/usr/bin/python3", "-B", filepath.Join("walk", "walk.py"), "cli"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := harness.Start(t, harness.Options{Directory: []byte(walkers)})
			values := filepath.Join(t.TempDir(), "values.json")
			if err := os.WriteFile(values, []byte(text(t, goSDK{t: t, server: server}.furnish(t.Context()))), 0o600); err != nil {
				t.Fatal(err)
			}
			env := environment(t, append(signedInAs(server.Admin), "STINT_ENDPOINT="+server.URL(), "STINT_VALUES="+values, "STINT_NEWER="+strings.Join(newer, ","))...)
			stdout, stderr, ok := run(t, env, "", command[0], command[1:]...)
			t.Log(stdout)
			if !ok {
				t.Errorf("%v failed:\n%s", command, stderr)
			}
		})
	}
}
