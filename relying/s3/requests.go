package s3

import (
	"maps"
	"net/http"

	"github.com/stint-sts/stint/policy"
	"github.com/stint-sts/stint/relying"
)

// Map gives the permissions that a request needs.
func (m *Mapper) Map(r *http.Request) ([]relying.Request, error) {
	c, err := m.Read(r)
	if err != nil {
		return nil, err
	}
	return c.Requests()
}

// Requests gives the permissions that the call needs: each of them.
func (c *Call) Requests() ([]relying.Request, error) {
	needs, err := c.needs()
	if err != nil {
		return nil, err
	}
	if len(needs) == 0 {
		return nil, refuse("%s needs no permission", c.Operation)
	}
	all := make([]relying.Request, 0, len(needs))
	for _, n := range needs {
		keys := make(policy.Keys, len(c.common)+len(n.keys))
		maps.Copy(keys, c.common)
		maps.Copy(keys, n.keys)
		all = append(all, relying.Request{Action: n.action, Resource: n.resource, RequestTags: c.tags, Context: keys})
	}
	return all, nil
}
