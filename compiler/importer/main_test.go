package importer_test

import "flag"

var update = flag.Bool("update", false, "write the expected stack anew")
