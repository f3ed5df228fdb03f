package wire

import "github.com/stint-sts/stint/internal/api"

// Operation is what the model says of one operation.
type Operation struct {
	Service string // "sts", "iam" or "organizations"
	Name    string // the Action parameter, or what follows the dot in X-Amz-Target
	Version string // the Version parameter; of Organizations the model's, which no request names
	Action  string // the IAM action, such as sts:AssumeRole
	// Signed is false for the operations that carry their own proof of identity (the model's noAuth trait).
	Signed    bool
	namespace string
	result    bool // the answer has a result element
}

// Op is an operation with the types of its parameters and of its answer, and the codecs for both.
type Op[In, Out any] struct {
	*Operation
	// decode reads the parameters of the query protocol, decodeObject those of JSON 1.1; an operation has one of them.
	decode       func(*decoder, scope, *path, *In)
	decodeObject func(*jsonDecoder, jsonObject, *In)
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

// Lookup returns the operation of a service ("sts", "iam", "organizations") by its name. Names match with case.
func Lookup(service, action string) (*Operation, bool) {
	o, ok := operationsByName[operationKey{service, action}]
	return o, ok
}

// Decode reads and validates the parameters. The refusal has code MalformedInput or ValidationError and AWS's message.
func (o Op[In, Out]) Decode(f *Form) (*In, error) {
	in := new(In)
	var d decoder
	o.decode(&d, f.all(), nil, in)
	return in, d.fault()
}

// Parameters are those of a request before they are decoded: the form of the query protocol, or the object of JSON 1.1.
type Parameters struct {
	Form   *Form
	object jsonObject
}

func (o Op[In, Out]) input(p Parameters) (*In, error) {
	if o.decodeObject == nil {
		return o.Decode(p.Form)
	}
	in := new(In)
	var d jsonDecoder
	o.decodeObject(&d, p.object, in)
	return in, d.fault()
}

func encodeEmpty(*encoder, *api.Empty) {}
