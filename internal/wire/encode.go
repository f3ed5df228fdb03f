package wire

import (
	"encoding/base64"
	"slices"
	"strconv"
	"time"
)

// format is how an encoder writes.
type format uint8

const (
	formatXML   format = iota // answers, in the service's own order of members
	formatJSON                // answers to Accept: application/json, keys in alphabetical order
	formatAudit               // the audit log: CloudTrail's JSON, without secrets and cut to size
)

const (
	auditText  = 4 << 10  // bytes of one value in the audit log
	auditTotal = 64 << 10 // bytes of one structure in the audit log, give or take a value
	// hidden is CloudTrail's word for what it does not record.
	hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"
)

// encoder appends one structure. The generated functions call a method for each member that is there.
type encoder struct {
	dst    []byte
	format format
	depth  int // of elements around the next one
	start  int // of the structure in dst
}

// open begins a nested structure; close ends it, given what open returned.
func (e *encoder) open(name string) int {
	if e.format == formatXML {
		e.dst = e.tag(e.indent(), name)
		e.dst = append(e.dst, '\n')
		e.depth++
	} else {
		e.key(name)
		e.dst = append(e.dst, '{')
	}
	return len(e.dst)
}

func (e *encoder) close(name string, opened int) {
	if e.format != formatXML {
		e.dst = append(e.dst, '}')
		return
	}
	e.depth--
	if len(e.dst) == opened { // nothing inside: <Name/>
		e.dst = append(e.dst[:opened-len(">\n")], "/>\n"...)
		return
	}
	e.dst = append(e.endTag(e.indent(), name), '\n')
}

func (e *encoder) openList(name string) int {
	if e.format == formatXML {
		return e.open(name)
	}
	e.key(name)
	e.dst = append(e.dst, '[')
	return len(e.dst)
}

func (e *encoder) closeList(name string, opened int) {
	if e.format == formatXML {
		e.close(name, opened)
		return
	}
	e.dst = append(e.dst, ']')
}

func (e *encoder) openItem() int {
	if e.format == formatXML {
		return e.open("member")
	}
	e.comma()
	e.dst = append(e.dst, '{')
	return len(e.dst)
}

func (e *encoder) closeItem(opened int) { e.close("member", opened) }

// room reports whether another member of a list may be written. Only the audit log has an end.
func (e *encoder) room() bool { return e.format != formatAudit || len(e.dst)-e.start < auditTotal }

func (e *encoder) text(name, value string) {
	if e.format == formatXML {
		e.element(name, value)
		return
	}
	e.key(name)
	e.quote(value)
}

// secretText writes a value that the audit log must not hold.
func (e *encoder) secretText(name, value string) {
	if e.format == formatAudit {
		value = hidden
	}
	e.text(name, value)
}

func (e *encoder) texts(name string, values []string) {
	o := e.openList(name)
	for _, v := range values {
		if !e.room() {
			break
		}
		if e.format == formatXML {
			e.element("member", v)
			continue
		}
		e.comma()
		e.quote(v)
	}
	e.closeList(name, o)
}

func (e *encoder) number(name string, value int32) {
	e.before(name)
	e.dst = strconv.AppendInt(e.dst, int64(value), 10)
	e.after(name)
}

func (e *encoder) flag(name string, value bool) {
	e.before(name)
	e.dst = strconv.AppendBool(e.dst, value)
	e.after(name)
}

// time writes XML's form without a fraction, JSON's epoch seconds (LS), or CloudTrail's English.
// A time that is not yet, such as the end of a job that runs, is left out even where the model has it always.
func (e *encoder) time(name string, value time.Time) {
	if value.IsZero() {
		return
	}
	e.before(name)
	switch e.format {
	case formatXML:
		e.dst = value.UTC().AppendFormat(e.dst, time.RFC3339)
	case formatJSON:
		e.dst = strconv.AppendInt(e.dst, value.Unix(), 10)
	case formatAudit:
		e.dst = value.UTC().AppendFormat(e.dst, `"Jan 2, 2006, 3:04:05 PM"`)
	}
	e.after(name)
}

func (e *encoder) blob(name string, value []byte) {
	if e.format == formatAudit && len(value) > auditText {
		value = value[:auditText]
	}
	e.text(name, base64.StdEncoding.EncodeToString(value))
}

func (e *encoder) secretBlob(name string, value []byte) {
	if e.format == formatAudit {
		e.text(name, hidden)
		return
	}
	e.blob(name, value)
}

// encodeMap writes a map in the order of its keys.
func encodeMap[V any](e *encoder, name string, values map[string]V, value func(*encoder, string, V)) {
	o := e.open(name)
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if e.format != formatXML {
			value(e, k, values[k])
			continue
		}
		entry := e.open("entry")
		e.element("key", k)
		value(e, "value", values[k])
		e.close("entry", entry)
	}
	e.close(name, o)
}

// before and after surround a value that needs no escaping.
func (e *encoder) before(name string) {
	if e.format == formatXML {
		e.dst = e.tag(e.indent(), name)
		return
	}
	e.key(name)
}

func (e *encoder) after(name string) {
	if e.format == formatXML {
		e.dst = append(e.endTag(e.dst, name), '\n')
	}
}

// element writes a text element; an empty one is <Name/>, as every other empty element.
func (e *encoder) element(name, value string) {
	e.dst = e.indent()
	if value == "" {
		e.dst = append(append(append(e.dst, '<'), name...), "/>\n"...)
		return
	}
	e.dst = appendXML(e.tag(e.dst, name), value)
	e.dst = append(e.endTag(e.dst, name), '\n')
}

func (e *encoder) indent() []byte {
	const spaces = "                                "
	return append(e.dst, spaces[:min(2*e.depth, len(spaces))]...)
}

func (e *encoder) tag(dst []byte, name string) []byte {
	return append(append(append(dst, '<'), name...), '>')
}

func (e *encoder) endTag(dst []byte, name string) []byte {
	return append(append(append(dst, "</"...), name...), '>')
}

// key writes a member's name and what parts it from the one before.
func (e *encoder) key(name string) {
	e.comma()
	e.dst = append(e.dst, '"')
	first := len(e.dst)
	e.dst = appendJSON(e.dst, name)
	if c := e.dst[first]; e.format == formatAudit && 'A' <= c && c <= 'Z' {
		e.dst[first] = c | 0x20
	}
	e.dst = append(e.dst, `":`...)
}

func (e *encoder) comma() {
	if last := e.dst[len(e.dst)-1]; last != '{' && last != '[' {
		e.dst = append(e.dst, ',')
	}
}

func (e *encoder) quote(value string) {
	if e.format == formatAudit && len(value) > auditText {
		value = truncate(value, auditText)
	}
	e.dst = append(e.dst, '"')
	e.dst = appendJSON(e.dst, value)
	e.dst = append(e.dst, '"')
}
