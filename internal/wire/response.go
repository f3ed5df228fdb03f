package wire

// appendResponseXML appends the answer of an operation as AWS writes it: no declaration, two spaces of indent, one line feed at the
// end, the namespace on the root only (ARGMIN).
func appendResponseXML[Out any](dst []byte, o *Operation, encode func(*encoder, *Out), out *Out, requestID string) []byte {
	dst = append(append(append(dst, '<'), o.Name...), `Response xmlns="`...)
	dst = append(append(dst, o.namespace...), "\">\n"...)
	e := encoder{dst: dst, format: formatXML, depth: 1, start: len(dst)}
	if o.result {
		name := o.Name + "Result"
		opened := e.open(name)
		encode(&e, out)
		e.close(name, opened)
	}
	metadata := e.open("ResponseMetadata")
	e.text("RequestId", requestID)
	e.close("ResponseMetadata", metadata)
	dst = append(append(append(e.dst, "</"...), o.Name...), "Response>\n"...)
	return dst
}

// appendResponseJSON appends the answer for Accept: application/json (ZIG).
func appendResponseJSON[Out any](dst []byte, o *Operation, encode func(*encoder, *Out), out *Out, requestID string) []byte {
	e := encoder{dst: append(dst, '{'), format: formatJSON, start: len(dst)}
	response := e.open(o.Name + "Response")
	if o.result {
		name := o.Name + "Result"
		opened := e.open(name)
		encode(&e, out)
		e.close(name, opened)
	}
	metadata := e.open("ResponseMetadata")
	e.text("RequestId", requestID)
	e.close("ResponseMetadata", metadata)
	e.close("", response)
	return append(e.dst, '}')
}

// appendAudit appends a structure as an object of the audit log.
func appendAudit[T any](dst []byte, encode func(*encoder, *T), value *T) []byte {
	e := encoder{dst: append(dst, '{'), format: formatAudit, start: len(dst)}
	encode(&e, value)
	return append(e.dst, '}')
}
