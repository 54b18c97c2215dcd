package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	tests := []struct {
		name   string
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"nothing", "", exitUsage, "", "Usage:"},
		{"help", "--help", exitOK, "Examples:", ""},
		{"help of a command", "up --help", exitOK, "Examples:", ""},
		{"unknown command", "start", exitUsage, "", `unknown command "start"`},
		{"unknown flag", "up --kepp", exitUsage, "", "-kepp"},
		{"too many arguments", "down lab", exitUsage, "", "wrong number of arguments"},
		{"exec without a command", "exec master", exitUsage, "", "wrong number of arguments"},
		{"exec in a lab that is not there", "exec --id nosuchlab master -- true", exitFailed, "", "no lab nosuchlab"},
		{"down of a lab that is not there", "down --id nosuchlab", exitFailed, "", "no lab nosuchlab"},
		{"down of what cannot be one", "down --id ../..", exitFailed, "", "not the id of a lab"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), strings.Fields(tt.args), strings.NewReader(""), &stdout, &stderr)
			if code != tt.code || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout.String(), stderr.String())
			}
		})
	}
}
