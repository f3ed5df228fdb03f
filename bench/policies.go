package main

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cedar-policy/cedar-go"

	"github.com/stint-sts/stint/policy"
)

// shape is a kind of large policy: what its statements, of which one matches the request, differ in.
type shape struct {
	name     string
	actions  [2]string // with the statement's number as %[1]d
	resource string    // the statement is about what is under it
}

func shapes() []shape {
	return []shape{
		{"each statement another service", [2]string{"svc%[1]d:GetItem", "svc%[1]d:PutItem"}, "arn:aws:svc%[1]d:::items-%[1]d"},
		{"each statement another bucket", [2]string{"s3:GetObject", "s3:ListBucket"}, "arn:aws:s3:::bucket-%[1]d"},
	}
}

// effects gives the effect and the team that statement i asks for. One in ten denies, to a team that the caller is not in.
func effects(i int) (stint, cedar, team string) {
	if i%10 == 9 {
		return "Deny", "forbid", "red"
	}
	return "Allow", "permit", "blue"
}

// stint writes n statements as people write them: two actions, what is under a resource, and a condition on a tag of the caller.
func (s shape) stint(n int) string {
	var statements []string
	for i := range n {
		effect, _, team := effects(i)
		statements = append(statements, fmt.Sprintf(`{"Effect":%q,"Action":[%q,%q],"Resource":%q,"Condition":{"StringEquals":{"aws:PrincipalTag/team":%q}}}`,
			effect, at(s.actions[0], i), at(s.actions[1], i), at(s.resource, i)+"/*", team))
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// cedar writes the same as Cedar policies. The actions are compared one by one, which cedar-go does much faster than to look them
// up in a set in the scope; a tag that the caller does not have must not be an error.
func (s shape) cedar(n int) string {
	var policies strings.Builder
	for i := range n {
		_, effect, team := effects(i)
		fmt.Fprintf(&policies, "%s (principal, action, resource) when { (action == Action::%q || action == Action::%q) && "+
			"resource.arn like %q && principal has team && principal.team == %q };\n",
			effect, at(s.actions[0], i), at(s.actions[1], i), at(s.resource, i)+"/*", team)
	}
	return policies.String()
}

// at puts a statement's number in, as often as the format has it.
func at(format string, i int) string { return strings.ReplaceAll(format, "%[1]d", strconv.Itoa(i)) }

// contender decides one request and says whether it is allowed.
type contender struct {
	name   string
	decide func() bool
	times  []float64 // ns, one for each round
}

// contenders are those who decide the request that statement n/2 allows.
func (s shape) contenders(n int) ([]*contender, error) {
	compiled, err := policy.New(s.stint(n), policy.Generic)
	if err != nil {
		return nil, err
	}
	action, resource := at(s.actions[0], n/2), at(s.resource, n/2)+"/cat.jpg"
	request := &policy.Request{
		Principal: policy.Principal{Kind: policy.User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/alice"},
		Action:    action,
		Resource:  resource,
		Context:   policy.Keys{"aws:principaltag/team": policy.One("blue")},
	}
	stint := func(p *policy.Policy) func() bool {
		set := &policy.Set{Identity: []policy.Attached{{Name: "p", Policy: p}}}
		return func() bool { return policy.Evaluate(set, request).Allowed() }
	}
	policies, err := cedar.NewPolicySetFromBytes("bench.cedar", []byte(s.cedar(n)))
	if err != nil {
		return nil, err
	}
	alice, object := cedar.NewEntityUID("User", "alice"), cedar.NewEntityUID("Resource", cedar.String(resource))
	entities := cedar.EntityMap{
		alice:  {UID: alice, Attributes: cedar.NewRecord(cedar.RecordMap{"team": cedar.String("blue")})},
		object: {UID: object, Attributes: cedar.NewRecord(cedar.RecordMap{"arn": cedar.String(resource)})},
	}
	asked := cedar.Request{Principal: alice, Action: cedar.NewEntityUID("Action", cedar.String(action)), Resource: object}
	return []*contender{
		{name: "Stint", decide: stint(compiled)},
		{name: "Stint, plain scan", decide: stint(compiled.WithoutIndex())},
		{name: "cedar-go", decide: func() bool {
			decision, _ := cedar.Authorize(policies, entities, asked)
			return decision == cedar.Allow
		}},
	}, nil
}

// policies measures decisions among n statements of which one matches, beside a plain scan over the same compiled statements and
// beside cedar-go on equivalent policies, and how long a document takes to compile.
func (b *bench) policies() error {
	debug.SetGCPercent(200) // as the server runs
	fmt.Println("policy decisions: ns and allocations a decision among n statements of which one matches; the least of alternating rounds, as what disturbs only adds")
	for _, s := range shapes() {
		for _, n := range []int{10, 100, 1000} {
			contenders, err := s.contenders(n)
			if err != nil {
				return err
			}
			if err := b.race(contenders); err != nil {
				return fmt.Errorf("%s, %d statements: %w", s.name, n, err)
			}
			fmt.Printf("%-31s n=%-5d", s.name, n)
			own := slices.Min(contenders[0].times)
			for _, c := range contenders {
				fmt.Printf("  %s %.0f ns (%.1f times Stint's), %.0f allocations", c.name, slices.Min(c.times), slices.Min(c.times)/own,
					testing.AllocsPerRun(100, func() { c.decide() }))
			}
			fmt.Println()
		}
	}
	return b.compilation()
}

// race lets the contenders decide in turns, each turn for two thousandths of a second of the processor's time, that of the
// garbage collector included.
func (b *bench) race(contenders []*contender) error {
	const turn = 2 * time.Millisecond
	for range 20 * b.rounds {
		for _, c := range contenders {
			took, count := time.Duration(0), 0
			for began := ownTime(); took < turn; took = ownTime() - began {
				for range 500 {
					if !c.decide() {
						return fmt.Errorf("%s denies", c.name)
					}
				}
				count += 500
			}
			c.times = append(c.times, float64(took.Nanoseconds())/float64(count))
		}
	}
	return nil
}

// ownTime is the processor time that this process has used.
func ownTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // it fails only when told another who
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// compilation measures parsing and compiling the largest managed policy that IAM takes, 6,144 characters.
func (b *bench) compilation() error {
	text := ""
	for n := 1; ; n++ {
		longer := shapes()[0].stint(n)
		if policy.Size(longer) > 6144 {
			break
		}
		text = longer
	}
	var times []float64
	for range 10 * b.rounds {
		const count = 20
		began := ownTime()
		for range count {
			if _, err := policy.New(text, policy.Managed); err != nil {
				return err
			}
		}
		times = append(times, float64((ownTime()-began).Microseconds())/count)
	}
	fmt.Printf("parsing and compiling a document of %d characters: %.0f µs (target < 200)\n", policy.Size(text), slices.Min(times))
	return nil
}
