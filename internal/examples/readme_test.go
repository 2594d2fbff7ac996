package examples

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/kfpreflight/kfpreflight/internal/cli"
)

// TestReadmeTranscript holds that the README shows what the program prints.
func TestReadmeTranscript(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, transcript, found := strings.Cut(string(readme), "```\n$ kfpreflight render-check\n")
	if !found {
		t.Fatal("the README has no transcript")
	}
	transcript, _, _ = strings.Cut(transcript, "```")
	t.Chdir("../../examples/broken")
	var stdout, stderr bytes.Buffer
	if code := cli.Main([]string{"render-check"}, strings.NewReader(""), &stdout, &stderr); code != 1 {
		t.Fatalf("exit code %d\n%s", code, stderr.String())
	}
	lines := 0
	for line := range strings.Lines(transcript) {
		if text := strings.TrimRight(line, "\n"); strings.TrimSpace(text) != "..." {
			lines++
			if !strings.Contains(stdout.String(), text) {
				t.Errorf("not printed: %s", text)
			}
		}
	}
	if lines < 10 {
		t.Errorf("the transcript has %d lines", lines)
	}
}
