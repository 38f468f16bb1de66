// The binary's modules, under the names by which they call each other; included at the root of
// each target.

#[allow(dead_code)] // each target uses some of it
#[path = "../../src/data/digest.rs"]
mod digest;
#[allow(dead_code)]
#[path = "../../src/data/files.rs"]
mod files;
#[allow(dead_code)]
#[path = "../../src/data/manifest.rs"]
mod manifest;
#[allow(dead_code)]
#[path = "../../src/data/sources.rs"]
mod sources;
