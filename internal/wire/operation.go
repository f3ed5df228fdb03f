package wire

import "github.com/stint-sts/stint/internal/api"

// Operation is what the model says of one operation.
type Operation struct {
	Service string // "sts" or "iam"
	Name    string // the Action parameter
	Version string // the Version parameter
	Action  string // the IAM action, such as sts:AssumeRole
	// Signed is false for the operations that carry their own proof of identity (the model's noAuth trait).
	Signed    bool
	namespace string
	result    bool // the answer has a result element
}

// Op is an operation with the types of its parameters and of its answer, and the codecs for both.
type Op[In, Out any] struct {
	*Operation
	decode       func(*decoder, scope, *path, *In)
	encodeInput  func(*encoder, *In)
	encodeOutput func(*encoder, *Out)
}

type operationKey struct{ service, name string }

var operationsByName = func() map[operationKey]*Operation {
	index := make(map[operationKey]*Operation, len(operations))
	for _, o := range operations {
		index[operationKey{o.Service, o.Name}] = o
	}
	return index
}()

// Lookup returns the operation of a service ("sts", "iam") by its Action parameter. Names match with case.
func Lookup(service, action string) (*Operation, bool) {
	o, ok := operationsByName[operationKey{service, action}]
	return o, ok
}

// Decode reads and validates the parameters. The refusal has code MalformedInput or ValidationError and AWS's message.
func (o Op[In, Out]) Decode(f *Form) (*In, error) {
	in := new(In)
	return in, o.decodeInto(in, f, new(decoder))
}

func (o Op[In, Out]) decodeInto(in *In, f *Form, d *decoder) error {
	o.decode(d, f.all(), nil, in)
	return d.fault()
}

func encodeEmpty(*encoder, *api.Empty) {}
