package stack

import "slices"

// topWords are the keys at the top of a stack file.
func topWords() Keywords {
	return Keywords{
		{Name: "stack", Required: true, Shape: stringShape(stackPattern), Example: `"shop"`,
			Help: "the name of the stack: letters, digits and - _ . /, at most 64"},
		{Name: "library", Shape: tableShape(Table{Name: "[library]", Keys: keywordsOf(libraryWords)}), Example: `{ version = "1.2.0" }`,
			Help: "what the file is as a library for other stack files"},
		{Name: "mark", Shape: boolShape(), Example: `false`,
			Help: "false: the units do not carry the name of the stack, so none of them is known as its own"},
		{Name: "systemd", Shape: systemdVersion().shape, Example: `219`,
			Help: "the version of the hosts' systemd"},
		{Name: "allow", Shape: allowances().shape, Example: `["no-restart"]`,
			Help: "codes of findings that are right as they are in all of the file"},
		{Name: "params", Shape: mapShape(paramPattern, paramShape()), Example: `{ mirror = "http://10.0.0.1" }`,
			Help: "parameters, with their types and defaults"},
		{Name: "use", Shape: arrayShape(tableShape(Table{Name: "a use entry", Keys: useKeys})), Example: `[{ stack = "std:kubernetes/0.15" }]`,
			Help: "libraries"},
		{Name: "roles", Shape: mapShape("", roleShape()), Example: `{ node = "role=node" }`,
			Help: "sets of machines"},
		{Name: "host", Shape: mapShape("", hostShape()), Example: `{ docker = { unit = "docker.service" } }`,
			Help: "units that the hosts have without fleet, and addresses outside of the cluster"},
		{Name: "unit", Shape: mapShape("", unitShape()), Example: `{ web = { role = "node" } }`,
			Help: "the units; false removes one of a library"},
		{Name: "machine", Shape: mapShape("", machineShape()), Example: `{ core-01 = { role = "master", address = "10.0.0.1" } }`,
			Help: "the machines; false removes one of a library"},
		{Name: "network", Shape: tableShape(Table{Name: "[network]", Keys: keywordsOf(networkWords)}), Example: `{ pods = "10.244.0.0/16" }`,
			Help: "the ranges of addresses that the cluster is made of"},
		{Name: "file", Shape: mapShape(slashPattern, fileShape()), Example: `{ "/etc/motd" = { content = "hello\n" } }`,
			Help: "files that machines have before fleet; false removes one of a library"},
		{Name: "bootstrap", Shape: tableShape(Table{Name: "[bootstrap]", Keys: keywordsOf(bootstrapWords)}), Example: `{ etcd = { members = "master" } }`,
			Help: "what every machine needs so that fleet runs on it"},
		{Name: "pxe", Shape: tableShape(Table{Name: "[pxe]", Keys: keywordsOf(pxeWords)}), Example: `{ server = "10.20.30.242", version = "717.3.0" }`,
			Help: "how machines start over the network"},
		{Name: "check", Shape: mapShape("", checkShape()), Example: `{ nodes = { http = "http://10.0.0.1:8080/healthz" } }`,
			Help: "what stackc verify asks beside what it knows from the units; false takes out one of a library"},
		{Name: "mirror", Shape: mirrorShape(), Example: `[{ url = "http://10.0.0.1/vmlinuz", origin = "https://example.com/vmlinuz", unverified = true }]`,
			Help: "files that a mirror holds beside what units and hosts download"},
	}
}

// overlayWords are the keys at the top of an overlay: those of a stack file
// without use and library, as libraries come below the file that they are changed in. Nothing
// must be there, and params are values.
func overlayWords() Keywords {
	words := slices.DeleteFunc(topWords(), func(k Keyword) bool { return k.Name == "use" || k.Name == "library" })
	for i, k := range words {
		words[i].Required = false
		switch k.Name {
		case "params":
			words[i].Shape = mapShape(paramPattern, paramValue())
			words[i].Help = "values of parameters that the stack declares"
		case "roles":
			words[i].Shape = mapShape("", overlaidRoleShape())
		}
	}
	return words
}

// File returns the keys of a stack file, with all that is below them.
func File() Table { return Table{Name: "a stack file", Keys: topWords()} }

// Overlay returns the keys of an overlay, with all that is below them.
func Overlay() Table { return Table{Name: "an overlay", Keys: overlayWords()} }

// paramShape is a declared parameter: its default alone, or a table.
func paramShape() Shape {
	return eitherShape(append(paramValue().Either, tableShape(Table{Name: "a parameter", Keys: paramWords(), Cases: byType()}))...)
}

// byType says what the values of a parameter of each type can be.
func byType() []Case {
	var cases []Case
	for _, t := range ParamTypes() {
		one := t.Shape()
		cases = append(cases, Case{If: "type", Is: string(t), Then: "default", Shape: one})
		if t == TypeList { // then they are those of the elements
			one = *one.Elem
		}
		cases = append(cases, Case{If: "type", Is: string(t), Then: "values", Shape: valuesShape(one)})
	}
	return cases
}

// paramValue is any value that a parameter can have.
func paramValue() Shape {
	return eitherShape(TypeString.Shape(), TypeInt.Shape(), TypeBool.Shape(), TypeList.Shape())
}

func roleShape() Shape {
	return eitherShape(append(pairs().shape.Either, tableShape(Table{Name: "a role", Keys: keywordsOf(roleWords)}))...)
}

// overlaidRoleShape is a role of an overlay, which may leave the metadata as it is.
func overlaidRoleShape() Shape {
	keys := keywordsOf(roleWords)
	for i := range keys {
		keys[i].Required = false
	}
	return eitherShape(append(pairs().shape.Either, tableShape(Table{Name: "a role", Keys: keys}))...)
}

func unitShape() Shape {
	return eitherShape(tableShape(Table{Name: "a unit", Keys: keywordsOf(unitWords), Sections: knownSections()}), Shape{Kind: ShapeFalse})
}
