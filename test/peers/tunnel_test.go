package peers

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// tunnel is an HTTP proxy on loopback that knows a few hosts of AWS alone and takes each of them to Stint: the program in front
// of it believes that it speaks to AWS, and signs for AWS's host.
type tunnel struct {
	url string

	mu    sync.Mutex
	asked []string // hosts that were asked for, in order; guarded by mu
}

// newTunnel takes hosts, each host:port, to an address. The test fails if another one is asked for.
func newTunnel(t *testing.T, address string, hosts ...string) *tunnel {
	t.Helper()
	p := new(tunnel)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked = append(p.asked, r.Host)
		p.mu.Unlock()
		if r.Method != http.MethodConnect || !slices.Contains(hosts, r.Host) {
			t.Errorf("the program asked the proxy for %s %s", r.Method, r.Host)
			http.Error(w, "unknown host", http.StatusBadGateway)
			return
		}
		far, err := net.Dial("tcp", address)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer far.Close()
		w.WriteHeader(http.StatusOK)
		near, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer near.Close()
		go func() {
			_, _ = io.Copy(far, buffered)
			_ = far.Close()
		}()
		_, _ = io.Copy(near, far)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// hosts are those that were asked for so far.
func (p *tunnel) hosts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}
