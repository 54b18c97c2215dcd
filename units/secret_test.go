package units_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stackc/stackc/units"
)

// TestSecrets: what tells a secret, its name or else its form.
func TestSecrets(t *testing.T) {
	for text, want := range map[string][]string{
		"--token=abc":                         {"--token"},
		"REGISTRY_PASSWORD=x":                 {"REGISTRY_PASSWORD"},
		`--api-key="x" --secret=y`:            {"--api-key", "--secret"},
		"http://me:pw@x/ https://you:pw2@y":   {"pw", "pw2"},
		"-----BEGIN RSA PRIVATE KEY-----":     {"-----BEGIN RSA PRIVATE KEY-----"},
		"key AKIAABCDEFGHIJKLMNOP":            {"AKIAABCDEFGHIJKLMNOP"},
		"--token=/etc/token":                  nil,
		"--token=$TOKEN --password=%i":        nil,
		"--token= --password":                 nil,
		"TOKEN_FILE=/x --secretary=me":        nil,
		"http://me@x http://x:80/a@b":         nil,
		"http://me:$PW@x":                     nil,
		"DB_PASS=hunter2 MYSQL_PWD=x":         {"DB_PASS", "MYSQL_PWD"},
		"PWD=/x OLD_PWD=/y BYPASS=1":          nil,
		"PROXY_PASS=http://up:80 PASS=1":      nil,
		"SECRET_KEY_BASE=abc":                 {"SECRET_KEY_BASE"},
		"/bin/curl -s -u me:hunter2 http://x": {"hunter2"},
		"curl --user 'me:hunter2' x":          {"hunter2"},
		"curl -u me:$PW http://x":             nil,
		"curl -u me x; docker run -u 1:2 x":   nil,
		"docker run -u 1000:1000 --user=1:2":  nil,
		"-----BEGIN CERTIFICATE----- AKIAabc": nil,

		"--password hunter2 --user me":                                              {"--password"},
		"--token AKIAABCDEFGHIJKLMNOP":                                              {"--token"},
		"TOKEN=AKIAABCDEFGHIJKLMNOP":                                                {"TOKEN"},
		`curl -H "Authorization: Bearer abcdefghijklmnop1234" http://x`:             {"abcdefghijklmnop1234"},
		"AWS_SECRET_ACCESS_KEY=wJalr":                                               {"AWS_SECRET_ACCESS_KEY"},
		"git clone https://:ghp_abcdefghijklmnopqrstuvwxyz0123456789@github.com":    {"ghp_abcdefghijklmnopqrstuvwxyz0123456789"},
		"x glpat-abcdefghij0123456789":                                              {"glpat-abcdefghij0123456789"},
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc":                              {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc"},
		"-----BEGIN PRIVATE KEY----- MIIE":                                          {"-----BEGIN PRIVATE KEY-----"},
		"--tls-private-key-file=/etc/key.pem --service-account-private-key-file=/x": nil,
		"--private-key=/etc/key.pem --secret-key ${KEY}":                            nil,
		"--password-file=/x --password-stdin --token-ttl=24h":                       nil,
		"--password --user me --no-token -token x":                                  nil,
		"--use-token=true --password=none --secret=@/run/s":                         nil,
		`{"user":"a","password":"b"}`:                                               {"password"},
		`{"secret":"/run/a"}`:                                                       nil,
		`Bearer $TOKEN "Authorization: Bearer ${TOKEN}"`:                            nil,
		"--token='%i' --admission-control=ServiceAccount":                           nil,
		"https://discovery.etcd.io/6a28e078895c5ec737174db2419bb2f3":                nil,
		"basic authentication with the token of the host":                           nil,
	} {
		var found []string
		for _, x := range units.Secrets(text) {
			found = append(found, text[x.Told:x.Told+len(x.Word)])
			if x.Word != found[len(found)-1] || x.Start < x.Told || x.End <= x.Start || x.End > len(text) {
				t.Errorf("%q: %+v", text, x)
			}
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
