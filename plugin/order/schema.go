package order

import _ "embed" // for schema.json

// Schema is the JSON Schema (draft 2020-12) of the order file, for editors. It
// knows the keys and the form of their values; the rest only Parse finds.
//
//go:embed schema.json
var Schema []byte
