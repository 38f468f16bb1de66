//! `crosr export`: a trained and fitted run as one file.

use super::fitted::Fitted;
use crate::args::ExportArgs;
use crate::error::Result;
use crate::formats::bundle::bundle;
use crate::output;
use crate::run_folder::{RunFolder, read, write_atomically};

pub(super) fn run(args: &ExportArgs) -> Result<()> {
    let run = RunFolder::open(&args.run)?;
    let Fitted {
        network,
        card,
        origin,
        ..
    } = Fitted::of_run(&run, Some("cpu"))?;
    let weights = if args.single {
        network.to_safetensors(&card)?
    } else {
        network.to_half_safetensors(&card)?
    };
    let file = bundle(&weights, &read(&origin)?, &args.out)?;
    write_atomically(&args.out, &file)?;
    output::text(&format!("{}: {} bytes\n", args.out.display(), file.len()))
}
