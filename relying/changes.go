package relying

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stint-sts/stint/internal/gateapi"
	"github.com/stint-sts/stint/internal/strictjson"
)

const (
	maxEvent    = 1 << 20 // bytes
	firstPause  = 100 * time.Millisecond
	longestWait = 10 * time.Second
)

// Run follows Stint's stream of changes until ctx ends, and returns its error. When the stream breaks it is begun again where it was.
// Without Run, answers are used for Config.MaxAge.
func (v *Verifier) Run(ctx context.Context) error {
	pause := firstPause
	last := ""
	for {
		seen, err := v.follow(ctx, last)
		v.alive.Store(false)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if seen != last {
			last, pause = seen, firstPause
		}
		if refused, ok := errors.AsType[*refusedStream](err); ok && refused.status == http.StatusBadRequest {
			last = "" // the server does not know the id
		}
		if err := sleep(ctx, pause/2+rand.N(pause)); err != nil { //nolint:gosec // jitter
			return err
		}
		pause = min(2*pause, longestWait)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type refusedStream struct{ status int }

func (r *refusedStream) Error() string {
	return "the stream of changes is refused: status " + strconv.Itoa(r.status)
}

// follow reads one stream to its end, and returns the id of the last event.
func (v *Verifier) follow(ctx context.Context, last string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.config.Endpoint+gateapi.ChangesPath, nil)
	if err != nil {
		return last, fmt.Errorf("following changes: %w", err)
	}
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	if err := v.sign(ctx, r, nil); err != nil {
		return last, err
	}
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	answer, err := v.stream.Do(r)
	if err != nil {
		return last, fmt.Errorf("following changes: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		return last, &refusedStream{answer.StatusCode}
	}
	events := bufio.NewReaderSize(answer.Body, 4<<10)
	for {
		id, data, err := readEvent(events)
		if err != nil {
			return last, err
		}
		if data == nil {
			continue
		}
		c, err := parseChange(id, data)
		if err != nil {
			return last, err
		}
		if last == "" {
			c.All = true // nobody knows what was missed before the first event of all
		}
		v.apply(c)
		last = id
		watchdog.Reset(silence)
	}
}

// apply makes void what a change names, and notes that the stream was heard.
func (v *Verifier) apply(c gateapi.Change) {
	if c.All || len(c.Void) > 0 {
		v.voids.note(c)
		match := func(e *entry) bool { return v.voids.of(e) }
		v.answers.drop(match)
		v.refusals.drop(func(*entry) bool { return true })
	}
	v.heard.Store(v.config.Now().UnixNano())
	v.alive.Store(true)
}

// readEvent reads one event (WHATWG HTML, server-sent events): its id and its data, nil for a comment. Only the fields that Stint
// writes are taken.
func readEvent(from *bufio.Reader) (id string, data []byte, err error) {
	size := 0
	for {
		line, err := readLine(from, maxEvent-size)
		if err != nil {
			return "", nil, err
		}
		size += len(line) + 1
		if line == "" {
			return id, data, nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "": // a comment
		case "event", "retry":
		case "id":
			id = value
		case "data":
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, value...)
		default:
			return "", nil, fmt.Errorf("following changes: unknown field %.20q", field)
		}
	}
}

func readLine(from *bufio.Reader, most int) (string, error) {
	var line []byte
	for {
		part, err := from.ReadSlice('\n')
		if len(line)+len(part) > most {
			return "", errors.New("following changes: an event is too long")
		}
		line = append(line, part...)
		if err == nil {
			return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return "", fmt.Errorf("following changes: %w", err)
		}
	}
}

func parseChange(id string, data []byte) (c gateapi.Change, err error) {
	if _, err := strictjson.Parse(data, strictjson.Limits{Bytes: maxEvent, Tokens: maxAnswerTokens}); err != nil {
		return c, fmt.Errorf("following changes: %w", err)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("following changes: %w", err)
	}
	if strconv.FormatInt(c.Revision, 10) != id || c.Revision < 0 {
		return c, errors.New("following changes: an event's id is not its revision")
	}
	for _, void := range c.Void {
		if void.Account == "" {
			return c, errors.New("following changes: a void without an account")
		}
	}
	return c, nil
}

// voids knows which answers are older than what made them void: one can arrive after the event that voids it.
type voids struct {
	mu   sync.RWMutex // guards all below
	all  int64        // what is older is void
	some map[gateapi.Void]int64
}

// maxVoids bounds what is remembered: past it, all that is older than the newest of them is void.
const maxVoids = 8192

func (s *voids) note(c gateapi.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.All || len(s.some)+len(c.Void) > maxVoids {
		s.all = max(s.all, c.Revision)
		for _, revision := range s.some {
			s.all = max(s.all, revision)
		}
		s.some = nil
		return
	}
	if s.some == nil {
		s.some = make(map[gateapi.Void]int64)
	}
	for _, void := range c.Void {
		s.some[void] = max(s.some[void], c.Revision)
	}
}

// of reports whether an answer is void.
func (s *voids) of(e *entry) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := &e.principal
	return e.revision < s.all || e.revision < s.some[gateapi.Void{Account: p.Account}] ||
		e.revision < s.some[gateapi.Void{Account: p.Account, Principal: p.ID}] ||
		p.FederatedByID != "" && e.revision < s.some[gateapi.Void{Account: p.Account, Principal: p.FederatedByID}]
}
