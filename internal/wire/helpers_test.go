package wire_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stint-sts/stint/internal/wire"
)

func itoa(n int) string { return strconv.Itoa(n) }

func (r *request) unsign() *request {
	r.unsigned = true
	return r
}

// operationNames reads the operations of both services from the models themselves.
func operationNames(t *testing.T) map[string][]string {
	t.Helper()
	names := make(map[string][]string)
	for _, service := range []string{"sts", "iam"} {
		text, err := os.ReadFile("../../model/" + service + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var model struct{ Operations map[string]any }
		if err := json.Unmarshal(text, &model); err != nil {
			t.Fatal(err)
		}
		names[service] = slices.Sorted(maps.Keys(model.Operations))
	}
	return names
}

var someIDs = wire.IDs{Request: "00000000-0000-4000-8000-000000000000", Event: "00000000-0000-4000-9000-000000000000"}

// discard is a ResponseWriter that keeps the status alone.
type discard struct {
	header http.Header
	status int
}

func newDiscard() *discard { return &discard{header: make(http.Header)} }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
