package order

import _ "embed" // for schema.json

// Schema is the JSON Schema (draft 2020-12) of order files, for editors. It describes the keys
// and the forms of their values. Parse finds more problems than the schema.
//
//go:embed schema.json
var Schema []byte
