package units_test

import (
	"strings"

	"github.com/coreos/fleet/schema"
	fleetunit "github.com/coreos/fleet/unit"
	"github.com/coreos/go-systemd/v22/unit"
	"pgregory.net/rapid"

	"github.com/stackc/stackc/units"
)

// fleetFile makes fleet's own unit file of options, as its API does.
func fleetFile(opts []units.Option) *fleetunit.UnitFile {
	wire := make([]*schema.UnitOption, len(opts))
	for i, o := range opts {
		wire[i] = &schema.UnitOption{Section: o.Section, Name: o.Name, Value: o.Value}
	}
	return schema.MapSchemaUnitOptionsToUnitFile(wire)
}

func goSystemd(opts []units.Option) []*unit.UnitOption {
	result := make([]*unit.UnitOption, len(opts))
	for i, o := range opts {
		result[i] = unit.NewUnitOption(o.Section, o.Name, o.Value)
	}
	return result
}

// genOption draws options in few sections and keys, so that they repeat, with
// values of every sort.
func genOption(value *rapid.Generator[string]) *rapid.Generator[units.Option] {
	return rapid.Custom(func(t *rapid.T) units.Option {
		return units.Option{
			Section: rapid.SampledFrom([]string{"Unit", "Service", "X-Fleet", "X-a b"}).Draw(t, "section"),
			Name:    rapid.SampledFrom([]string{"A", "ExecStart", "X-1", "Environment"}).Draw(t, "key"),
			Value:   value.Draw(t, "value"),
		}
	})
}

// genText draws short values with what readers trip over.
func genText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		pieces := rapid.SliceOfN(rapid.OneOf(
			rapid.SampledFrom([]string{"a", " ", "\t", "\\", "\n", "\r", "=", "#", ";", "[", "]", "\"", "'", "$", "%", "\x00", "é", "\u0085", "\u00a0", "\ufeff", "\ufffe", "\xff"}),
			rapid.StringMatching(`[a-z/]{1,5}`),
		), 0, 6).Draw(t, "pieces")
		return strings.Join(pieces, "")
	})
}
