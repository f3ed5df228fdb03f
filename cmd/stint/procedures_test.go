package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestProceduresAreRun: each command of the procedures is in the script that runs them, with the same flags.
func TestProceduresAreRun(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`(?m)^\s*(?:! )?(?:exec )?(stint [^#|\n]*)`)
	for doc, script := range map[string]string{"keys.md": "keys.txt", "backup.md": "backup.txt"} {
		text, err := os.ReadFile("../../docs/operations/" + doc)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "cmd/stint/testdata/script/"+script) {
			t.Errorf("%s does not say that %s runs it", doc, script)
		}
		run, err := os.ReadFile("testdata/script/" + script)
		if err != nil {
			t.Fatal(err)
		}
		ran := make(map[string]bool)
		for _, m := range line.FindAllStringSubmatch(strings.ReplaceAll(string(run), "sh -c 'echo $$ >pid; exec ", ""), -1) {
			ran[shape(m[1])] = true
		}
		told := 0
		for i, block := range strings.Split(string(text), "```") {
			if _, commands, ok := strings.Cut(block, "sh\n"); i%2 == 1 && ok {
				for _, m := range line.FindAllStringSubmatch(commands, -1) {
					told++
					if !ran[shape(m[1])] {
						t.Errorf("%s: %q is not run by %s", doc, m[1], script)
					}
				}
			}
		}
		if told < 4 {
			t.Errorf("%s has %d commands", doc, told)
		}
	}
}

// shape is a command line without what differs from one machine to another: the names of files, and where the output goes.
func shape(command string) string {
	file := regexp.MustCompile(`[./]`)
	var out []string
	for _, word := range strings.Fields(strings.Split(command, " 2>")[0]) {
		if file.MatchString(word) {
			word = "FILE"
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}
