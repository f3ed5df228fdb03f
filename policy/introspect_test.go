package policy

import (
	"strings"
	"testing"
)

func TestContextKeys(t *testing.T) {
	t.Parallel()
	const body = `"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::b/${aws:username}/${ aws:PrincipalTag/Team , 'x'}/*"],` +
		`"Condition":{"StringEquals":{"aws:SourceVpc":"v","S3:prefix":"${aws:UserName}"},"Bool":{"aws:SourceVpc":"${*}"}}},` +
		`{"Effect":"Deny","NotAction":"iam:${aws:no}","NotResource":"arn:aws:s3:::${unclosed"}]}`
	tests := []struct{ name, text, want string }{
		{"variables and conditions", `{"Version":"2012-10-17",` + body,
			"aws:username aws:PrincipalTag/Team aws:SourceVpc S3:prefix aws:UserName *"},
		{"an old version has no variables", `{"Version":"2008-10-17",` + body, "aws:SourceVpc S3:prefix"},
		{"none", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, err := Parse(tt.text, Generic)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(d.ContextKeys(), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestGrantsService(t *testing.T) {
	t.Parallel()
	tests := []struct {
		statement string
		iam, s3   bool
	}{
		{`"Effect":"Allow","Action":"*"`, true, true},
		{`"Effect":"Allow","Action":"iam:GetUser"`, true, false},
		{`"Effect":"Allow","Action":["sts:*","IAM:List*"]`, true, false},
		{`"Effect":"Deny","Action":"*"`, false, false},
		{`"Effect":"Allow","NotAction":["iam:*"]`, false, true},
		{`"Effect":"Allow","NotAction":["iam:Get*"]`, true, true},
		{`"Effect":"Allow","NotAction":"*"`, false, false},
	}
	for _, tt := range tests {
		d, err := Parse(`{"Version":"2012-10-17","Statement":{`+tt.statement+`,"Resource":"*"}}`, Identity)
		if err != nil {
			t.Fatalf("%s: %v", tt.statement, err)
		}
		if iam, s3 := d.GrantsService("iam"), d.GrantsService("s3"); iam != tt.iam || s3 != tt.s3 {
			t.Errorf("%s: iam %v, s3 %v; want %v, %v", tt.statement, iam, s3, tt.iam, tt.s3)
		}
	}
}

// Brackets and backslashes are characters like others, as in evaluation.
func TestSpeaksOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		statement string
		want      bool
	}{
		{`"Action":"*"`, true},
		{`"Action":["s3:*","IAM:createrole"]`, true},
		{`"Action":"iam:Create*"`, true},
		{`"Action":"iam:CreateRol?"`, true},
		{`"Action":"iam:CreateRol"`, false},
		{`"Action":"iam:[C]reateRole"`, false},
		{`"Action":"iam:\\CreateRole"`, false},
		{`"NotAction":"*"`, false},
		{`"NotAction":"IAM:createrole"`, false},
		{`"NotAction":["s3:*","iam:Create*"]`, false},
		{`"NotAction":"s3:*"`, true},
		{`"NotAction":"iam:[C]reateRole"`, true},
		{`"NotAction":"iam:[^a]reateRole"`, true},
		{`"NotAction":"iam:\\CreateRole"`, true},
	}
	for _, tt := range tests {
		for _, effect := range []string{"Allow", "Deny"} {
			text := `{"Version":"2012-10-17","Statement":{"Effect":"` + effect + `",` + tt.statement + `,"Resource":"*"}}`
			p, err := New(text, Identity)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if got := p.Document().Statements[0].SpeaksOf("iam:CreateRole"); got != tt.want {
				t.Errorf("%s: %v, want %v", text, got, tt.want)
			}
			d := Evaluate(&Set{Identity: []Attached{{Policy: p}}}, &Request{Principal: Principal{Kind: User, Account: "111122223333"}, Action: "iam:CreateRole", Resource: "*"})
			if decided := d.Effect != ImplicitDeny; decided != tt.want {
				t.Errorf("%s: evaluation says %v", text, d.Effect)
			}
		}
	}
}

func TestStatementsKnowWhereTheyEnd(t *testing.T) {
	t.Parallel()
	const first, second = `{"Effect":"Allow","Action":"*","Resource":"*"}`, `{"Effect":"Deny", "Action":"s3:*","Resource":"*"}`
	text := `{"Version":"2012-10-17","Statement":[` + first + ` , ` + second + `]}`
	d, err := Parse(text, Identity)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{first, second} {
		if st := &d.Statements[i]; text[st.Offset:st.End] != want {
			t.Errorf("statement %d is %q", i, text[st.Offset:st.End])
		}
	}
}
