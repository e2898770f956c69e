package order

import _ "embed" // for schema.json

// Schema is the JSON Schema (draft 2020-12) of order files, for editors. Parse finds more problems.
//
//go:embed schema.json
var Schema []byte
