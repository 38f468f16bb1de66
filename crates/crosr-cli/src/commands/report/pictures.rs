//! The pictures of the report, and what the network makes of them.

use std::sync::Arc;

use crosr_data::{Dataset, Image, PixelFormat, Subset, batches};
use crosr_eval::{Picture, PicturePicks, Pictures, Thumbnail};
use crosr_model::evaluation_plan;

use crate::commands::fitted::Fitted;
use crate::error::{CliError, Result};

const BATCH: usize = 64;

/// Longest side of a thumbnail in pixels: the page stays small.
const SIDE: usize = 48;

/// Reads the chosen pictures; `sets` are the known data and the outliers, in that order.
pub(super) fn pictures(
    fitted: &Fitted,
    sets: &[Arc<dyn Dataset>],
    picks: &PicturePicks,
) -> Result<Pictures> {
    let Some((known, outliers)) = sets.split_first() else {
        return Ok(Pictures::default());
    };
    let read = |data: &Arc<dyn Dataset>, places: &[usize], reconstruct| {
        chosen(fitted, data, places, reconstruct)
    };
    Ok(Pictures {
        mistakes: read(known, &picks.mistakes, false)?,
        rejected: read(known, &picks.rejected, false)?,
        taken_for_known: outliers
            .iter()
            .zip(&picks.taken_for_known)
            .map(|(data, places)| read(data, places, false))
            .collect::<Result<_>>()?,
        reconstructed: sets
            .iter()
            .zip(&picks.reconstructed)
            .map(|(data, places)| read(data, places, true))
            .collect::<Result<_>>()?,
    })
}

fn chosen(
    fitted: &Fitted,
    data: &Arc<dyn Dataset>,
    places: &[usize],
    reconstruct: bool,
) -> Result<Vec<Picture>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let subset: Arc<dyn Dataset> = Arc::new(Subset::new(data.clone(), places.to_vec())?);
    let plan = evaluation_plan(&fitted.network, &fitted.card, BATCH, 0);
    let mut found = Vec::with_capacity(places.len());
    for batch in batches(subset, &plan)? {
        let batch = batch?;
        let [n, _, height, width] = batch.shape;
        let each = 3 * height * width;
        let thumbnails = |values: &[f32]| -> Result<Vec<Thumbnail>> {
            let all = values.chunks_exact(each);
            all.map(|planes| thumbnail(planes, width, height, fitted))
                .collect()
        };
        let originals = thumbnails(&batch.images)?;
        let reconstructions = if reconstruct {
            let output = fitted.network.infer(&batch)?.reconstruction;
            let values = output.flatten_all().and_then(|flat| flat.to_vec1());
            let values: Vec<f32> = values.map_err(crosr_model::ModelError::from)?;
            thumbnails(&values)?.into_iter().map(Some).collect()
        } else {
            vec![None; n]
        };
        let indices = batch.indices.iter().map(|&i| places[i]);
        found.extend(indices.zip(originals).zip(reconstructions).map(
            |((index, original), reconstruction)| Picture {
                index,
                original,
                reconstruction,
            },
        ));
    }
    Ok(found)
}

/// Normalised planes `[3, height, width]` as a small picture.
fn thumbnail(planes: &[f32], width: usize, height: usize, fitted: &Fitted) -> Result<Thumbnail> {
    let normalisation = &fitted.card.normalisation;
    let area = width * height;
    let pixels = (0..area).flat_map(|p| {
        (0..3).map(move |c| {
            let value = planes[c * area + p] * normalisation.std[c] + normalisation.mean[c];
            // Values beyond white and black are cut off, NaN is black.
            (value * 255.0 + 0.5) as u8
        })
    });
    let mut image = Image::new(width, height, PixelFormat::Rgb, pixels.collect())?;
    if width.max(height) > SIDE {
        let side = |length: usize| (length * SIDE / width.max(height)).max(1);
        image = image.resize(side(width), side(height));
    }
    let side = |length: usize| {
        u32::try_from(length).map_err(|_| CliError::usage("a thumbnail's side is small"))
    };
    Ok(Thumbnail::from_rgb(
        side(image.width())?,
        side(image.height())?,
        image.pixels(),
    )?)
}
