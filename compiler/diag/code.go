package diag

import "slices"

// Code is the stable name of a kind of finding, in kebab-case. Scripts and
// `allow = [...]` refer to it, so a code is never renamed or given a new meaning.
type Code string

// What the text of a stack file can have wrong.
const (
	Syntax            Code = "syntax"
	DuplicateKey      Code = "duplicate-key"
	FileNotFound      Code = "file-not-found"
	UnknownKey        Code = "unknown-key"
	MissingKey        Code = "missing-key"
	WrongType         Code = "wrong-type"
	BadValue          Code = "bad-value"
	BadExpression     Code = "bad-expression"
	UnknownName       Code = "unknown-name"
	UnknownParameter  Code = "unknown-parameter"
	MissingParameter  Code = "missing-parameter"
	BadParameter      Code = "bad-parameter"
	UnknownRole       Code = "unknown-role"
	UnknownUnit       Code = "unknown-unit"
	UnknownMachine    Code = "unknown-machine"
	UnknownLibrary    Code = "unknown-library"
	LibraryCycle      Code = "library-cycle"
	LibraryVersion    Code = "library-version"
	LibraryLock       Code = "library-lock"
	LibraryClash      Code = "library-clash"
	NotExported       Code = "not-exported"
	UnmetNeed         Code = "unmet-need"
	PrefixRefused     Code = "prefix-refused"
	DuplicateUnit     Code = "duplicate-unit"
	UnknownDirective  Code = "unknown-directive"
	UnknownSection    Code = "unknown-section"
	WrongSection      Code = "wrong-section"
	UnusedAllow       Code = "unused-allow"
	UnknownCode       Code = "unknown-code"
	Internal          Code = "internal"
	UnitName          Code = "unit-name"
	UnitType          Code = "unit-type"
	UnitText          Code = "unit-text"
	LineTooLong       Code = "line-too-long"
	ValueText         Code = "value-text"
	PlacementConflict Code = "placement-conflict"
	Placement         Code = "placement"
	RoleUnion         Code = "role-union"
)

// What units, each right by itself, can have wrong between them.
const (
	DependencyCycle     Code = "dependency-cycle"
	CrossMachine        Code = "cross-machine"
	MaybeCrossMachine   Code = "maybe-cross-machine"
	NotReady            Code = "no-readiness"
	RemoteReadiness     Code = "remote-readiness"
	NoAddress           Code = "no-address"
	AddressWithoutAfter Code = "address-without-after"
	AnnouncedAddress    Code = "announced-address"
	LoopbackAddress     Code = "loopback-address"
	UndeclaredPort      Code = "undeclared-port"
	PortClash           Code = "port-clash"
	HostUnit            Code = "host-unit"
	UndeclaredUnit      Code = "undeclared-unit"
	NetworkOverlap      Code = "network-overlap"
	RunsFromMemory      Code = "runs-from-memory"
	NetworkCapacity     Code = "network-capacity"
	NetworkTwice        Code = "network-twice"
	MetadataClash       Code = "metadata-clash"
	MachineClash        Code = "machine-clash"
	Unplaceable         Code = "unplaceable"
	NoMachine           Code = "no-machine"
	NeverReady          Code = "never-ready"
	HostAfterFleet      Code = "host-after-fleet"
	UnusedDependency    Code = "unused-dependency"
	MissingDependency   Code = "missing-dependency"
	TwinUnits           Code = "twin-units"
	WeakRequires        Code = "weak-requires"
	NotLaunched         Code = "not-launched"
	NeverElapses        Code = "never-elapses"
	NoWaiter            Code = "no-waiter"
)

// What fleet and systemd accept and then do something else with.
const (
	InstallSection  Code = "install-section"
	Unloadable      Code = "unloadable"
	BadSetting      Code = "bad-setting"
	NoRestart       Code = "no-restart"
	Secret          Code = "secret"
	NoShell         Code = "no-shell"
	ShellText       Code = "shell-text"
	Specifier       Code = "specifier"
	TOMLEscape      Code = "toml-escape"
	UnexpandedVar   Code = "unexpanded-variable"
	EmptyArgument   Code = "empty-argument"
	EndlessLoop     Code = "endless-loop"
	WaitsForFile    Code = "waits-for-file"
	NeedsSystemd    Code = "needs-systemd"
	Unverified      Code = "unverified-download"
	MirrorFile      Code = "mirror-file"
	DownloadAsUser  Code = "download-as-user"
	PathTypo        Code = "path-typo"
	OddCharacter    Code = "odd-character"
	FlagRelease     Code = "flag-release"
	FlagValue       Code = "flag-value"
	OpenDoor        Code = "open-door"
	BareProbe       Code = "bare-probe"
	RawDownload     Code = "raw-download"
	ReplacesForever Code = "replaces"
)

// allowable are the codes that `allow = [...]` may silence: every warning, and
// the errors about things that a person may know better than the compiler.
var allowable = []Code{
	MaybeCrossMachine, UndeclaredPort, PortClash, NetworkOverlap, NetworkCapacity, NetworkTwice, HostAfterFleet,
	NoMachine, UnusedDependency, MissingDependency, TwinUnits, WeakRequires, NotLaunched, NeverElapses, InstallSection,
	NoRestart, Secret, UnexpandedVar, EmptyArgument, EndlessLoop, WaitsForFile,
	NeedsSystemd, PathTypo, OddCharacter, FlagRelease, FlagValue, OpenDoor, BareProbe, RawDownload, RunsFromMemory,
	UnknownDirective, LoopbackAddress, NoShell, ShellText, Specifier, TOMLEscape,
}

// Allowable reports whether a finding of that code may be allowed where it stands.
func Allowable(c Code) bool { return slices.Contains(allowable, c) }

// AllowableCodes returns the codes that `allow = [...]` may name, in alphabetical order.
func AllowableCodes() []Code { return slices.Sorted(slices.Values(allowable)) }
