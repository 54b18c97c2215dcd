package units_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/unit"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

func TestFormat(t *testing.T) {
	got, err := units.Format(opts("Unit.Description=a = b", "Service.ExecStart=/bin/a", "Unit.After=", "X-Fleet.Global=true"))
	want := "[Unit]\nDescription=a = b\nAfter=\n\n[Service]\nExecStart=/bin/a\n\n[X-Fleet]\nGlobal=true\n"
	if got != want || err != nil {
		t.Errorf("Format = %q, %v, want %q", got, err, want)
	}
	if got, err := units.Format(nil); got != "" || err != nil {
		t.Errorf("Format(nil) = %q, %v", got, err)
	}
}

func TestCheck(t *testing.T) {
	long := strings.Repeat("x", units.MaxLine-len("Key="))
	tests := []struct {
		name   string
		option units.Option
		want   units.Fault
	}{
		{"good", units.Option{Section: "Service", Name: "Key", Value: "a\tb $x %i \"'"}, 0},
		{"good, not ASCII", units.Option{Section: "X-Ä b", Name: "X-K1", Value: "é"}, 0},
		{"empty value", units.Option{Section: "Service", Name: "Key"}, 0},
		{"backslash inside", units.Option{Section: "Service", Name: "Key", Value: `a\b`}, 0},
		{"longest", units.Option{Section: "Service", Name: "Key", Value: long}, 0},
		{"one byte more", units.Option{Section: "Service", Name: "Key", Value: long + "x"}, units.FaultTooLong},
		{"newline", units.Option{Section: "Service", Name: "Key", Value: "a\nExecStart=/bin/evil"}, units.FaultNewline},
		{"newline and section", units.Option{Section: "Service", Name: "Key", Value: "a\n[X-Fleet]"}, units.FaultNewline},
		{"newline at the end", units.Option{Section: "Service", Name: "Key", Value: "a\n"}, units.FaultNewline},
		{"carriage return", units.Option{Section: "Service", Name: "Key", Value: "a\rb"}, units.FaultNewline},
		{"continuation", units.Option{Section: "Service", Name: "Key", Value: "a \\\n  b \\\nc"}, units.FaultContinuation},
		{"continuation into a comment", units.Option{Section: "Service", Name: "Key", Value: "a \\\n # b"}, units.FaultNewline},
		{"continuation into nothing", units.Option{Section: "Service", Name: "Key", Value: "a \\\n \\\nb"}, units.FaultNewline},
		{"continuation that goes on", units.Option{Section: "Service", Name: "Key", Value: "a \\\nb \\"}, units.FaultNewline},
		{"NUL", units.Option{Section: "Service", Name: "Key", Value: "a\x00b"}, units.FaultControl},
		{"escape", units.Option{Section: "Service", Name: "Key", Value: "\x1b[1m"}, units.FaultControl},
		{"delete", units.Option{Section: "Service", Name: "Key", Value: "a\x7fb"}, units.FaultControl},
		{"next line", units.Option{Section: "Service", Name: "Key", Value: "a\u0085b"}, units.FaultControl},
		{"backslash", units.Option{Section: "Service", Name: "Key", Value: `a\`}, units.FaultBackslash},
		{"two backslashes", units.Option{Section: "Service", Name: "Key", Value: `a\\`}, units.FaultBackslash},
		{"leading blank", units.Option{Section: "Service", Name: "Key", Value: " a"}, units.FaultBlank},
		{"trailing tab", units.Option{Section: "Service", Name: "Key", Value: "a\t"}, units.FaultBlank},
		{"no-break space at the end", units.Option{Section: "Service", Name: "Key", Value: "a\u00a0"}, units.FaultBlank},
		{"not UTF-8", units.Option{Section: "Service", Name: "Key", Value: "a\xffb"}, units.FaultUTF8},
		{"noncharacter", units.Option{Section: "Service", Name: "Key", Value: "a\uffffb"}, units.FaultUTF8},
		{"no key", units.Option{Section: "Service"}, units.FaultKey},
		{"key with blank", units.Option{Section: "Service", Name: "Ke y"}, units.FaultKey},
		{"key with equals", units.Option{Section: "Service", Name: "K=y"}, units.FaultKey},
		{"key with newline", units.Option{Section: "Service", Name: "K\ny"}, units.FaultKey},
		{"key like a header", units.Option{Section: "Service", Name: "[Unit]"}, units.FaultKey},
		{"comment", units.Option{Section: "Service", Name: "#Key"}, units.FaultComment},
		{"other comment", units.Option{Section: "Service", Name: ";Key"}, units.FaultComment},
		{"no section", units.Option{Name: "Key"}, units.FaultSection},
		{"section with bracket", units.Option{Section: "Service]", Name: "Key"}, units.FaultSection},
		{"section with newline", units.Option{Section: "Service]\n[Unit", Name: "Key"}, units.FaultSection},
		{"section with blank around", units.Option{Section: " Service", Name: "Key"}, units.FaultSection},
		{"section with quote", units.Option{Section: `S"`, Name: "Key"}, units.FaultSection},
		{"section not UTF-8", units.Option{Section: "S\xff", Name: "Key"}, units.FaultUTF8},
		{"section too long", units.Option{Section: strings.Repeat("S", units.MaxLine), Name: "Key"}, units.FaultTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			faults := units.Check([]units.Option{tt.option})
			if tt.want == 0 {
				if len(faults) != 0 {
					t.Fatalf("Check = %v, want none", faults)
				}
				return
			}
			if len(faults) != 1 || faults[0].Fault != tt.want || faults[0].Reason == "" || faults[0].Option != tt.option {
				t.Fatalf("Check = %+v, want one fault %d", faults, tt.want)
			}
			var refusal *units.FormatError
			if text, err := units.Format([]units.Option{tt.option}); text != "" || !errors.As(err, &refusal) || len(refusal.Faults) != 1 {
				t.Fatalf("Format = %q, %v, want a refusal", text, err)
			}
		})
	}
}

func TestCheckAll(t *testing.T) {
	faults := units.Check([]units.Option{
		{Section: "Unit", Name: "A", Value: "ok"},
		{Section: "Unit", Name: "a b", Value: " x"},
		{Section: "", Name: "A", Value: "a\n"},
		{Section: "", Name: "A", Value: "ok"},
	})
	type place struct {
		Index int
		Fault units.Fault
	}
	var got []place
	for _, f := range faults {
		got = append(got, place{f.Index, f.Fault})
	}
	want := []place{{1, units.FaultKey}, {1, units.FaultBlank}, {2, units.FaultSection}, {2, units.FaultNewline}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err := units.Format([]units.Option{{Section: "Unit", Name: "a b", Value: " x"}})
	if err == nil || !strings.Contains(err.Error(), "(and 1 more)") {
		t.Errorf("Format error = %v", err)
	}
}

// What Format writes is what go-systemd writes, and both readers read it back.
func TestFormatIsGoSystemds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := rapid.SliceOfN(genOption(genText()), 0, 6).Draw(t, "options")
		want, err := io.ReadAll(unit.Serialize(goSystemd(o)))
		if err != nil {
			t.Fatal(err)
		}
		if got := (units.Unit{Options: o}).Text(); got != string(want) {
			t.Fatalf("Text = %q, go-systemd has %q", got, want)
		}
		text, err := units.Format(o)
		if err != nil {
			return
		}
		if text != string(want) {
			t.Fatalf("Format = %q, go-systemd has %q", text, want)
		}
		readsBack(t, text, o)
	})
}

type fataler interface {
	Fatalf(format string, args ...any)
	Helper()
}

// readsBack holds that systemd and fleet read exactly o from text.
func readsBack(t fataler, text string, o []units.Option) {
	t.Helper()
	file, faults := units.Parse(text)
	if len(faults) > 0 || !units.Equal(file.Options(), o) {
		t.Fatalf("Parse(%q) = %+v, %v, want %+v", text, file.Options(), faults, o)
	}
	read, err := units.ParseAsFleet(text)
	if err != nil || !units.Equal(read, o) {
		t.Fatalf("ParseAsFleet(%q) = %+v, %v, want %+v", text, read, err, o)
	}
}

// A line of MaxLine bytes is read wherever it stands; with one more it is refused
// somewhere.
func TestMaxLine(t *testing.T) {
	text := func(length, before int) string {
		return "[Unit]\n" + strings.Repeat("A=\n", before) + "K=" + strings.Repeat("x", length-2) + "\nB=\n"
	}
	refused := 0
	for before := range 700 {
		if _, err := units.ParseAsFleet(text(units.MaxLine, before)); err != nil {
			t.Fatalf("a line of %d bytes behind %d others: %v", units.MaxLine, before, err)
		}
		if _, err := units.ParseAsFleet(text(units.MaxLine+1, before)); err != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Errorf("a line of %d bytes is always read: MaxLine is too small", units.MaxLine+1)
	}
}

func TestHashIsFleets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := rapid.SliceOfN(genOption(genText()), 0, 8).Draw(t, "options")
		want := fleetFile(o).Hash()
		if got := units.Hash(o); got != want.String() {
			t.Fatalf("Hash = %s, fleet has %s", got, want)
		}
		if got := units.ShortHash((units.Unit{Options: o}).Hash()); got != want.Short() {
			t.Fatalf("ShortHash = %s, fleet has %s", got, want.Short())
		}
		job, err := json.Marshal(map[string]any{"Name": "a.service", "UnitHash": want})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := units.HashOfJob(string(job)); got != want.String() || err != nil {
			t.Fatalf("HashOfJob = %s, %v, fleet has %s", got, err, want)
		}
	})
}
