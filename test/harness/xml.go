package harness

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Element is one element of an XML answer.
type Element struct {
	Name      string
	Namespace string
	Text      string
	Children  []*Element
}

// ParseXML reads an answer's body, which must hold exactly one element.
func ParseXML(body []byte) (*Element, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	top := &Element{}
	open := []*Element{top}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading XML: %w", err)
		}
		last := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			element := &Element{Name: token.Name.Local, Namespace: token.Name.Space}
			last.Children = append(last.Children, element)
			open = append(open, element)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			last.Text += string(token)
		}
	}
	if len(top.Children) != 1 {
		return nil, fmt.Errorf("reading XML: %d root elements", len(top.Children))
	}
	return top.Children[0], nil
}

// Child is the first child of that name, or nil.
func (e *Element) Child(name string) *Element {
	if e == nil {
		return nil
	}
	for _, child := range e.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// Find is the first element of that name at any depth, or nil.
func (e *Element) Find(name string) *Element {
	if e == nil || e.Name == name {
		return e
	}
	for _, child := range e.Children {
		if found := child.Find(name); found != nil {
			return found
		}
	}
	return nil
}

// Result is the element that holds the members of a successful answer: XResult, or the root when there is none.
func (e *Element) Result() *Element {
	if e == nil {
		return nil
	}
	for _, child := range e.Children {
		if strings.HasSuffix(child.Name, "Result") {
			return child
		}
	}
	return e
}

// Path follows dotted names and list positions, or gives nil.
func (e *Element) Path(path string) *Element {
	for part := range strings.SplitSeq(path, ".") {
		if e == nil {
			return nil
		}
		if position, err := strconv.Atoi(part); err == nil {
			e = e.member(position)
			continue
		}
		e = e.Child(part)
	}
	return e
}

func (e *Element) member(position int) *Element {
	for _, child := range e.Children {
		if child.Name != "member" {
			continue
		}
		if position == 0 {
			return child
		}
		position--
	}
	return nil
}

// Value is the text at a path below the result, or empty.
func (r *Response) Value(path string) string {
	root, err := ParseXML(r.Body)
	if err != nil {
		return ""
	}
	if found := root.Result().Path(path); found != nil {
		return found.Text
	}
	return ""
}

// Code is the error code of an XML error answer, or empty.
func (r *Response) Code() string { return r.Value("Error.Code") }

// Credentials are the ones that a successful answer carries.
func (r *Response) Credentials() Credentials {
	return Credentials{
		AccessKeyID:     r.Value("Credentials.AccessKeyId"),
		SecretAccessKey: r.Value("Credentials.SecretAccessKey"),
		SessionToken:    r.Value("Credentials.SessionToken"),
	}
}
