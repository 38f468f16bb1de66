//! What makes a batch a bad one.

use crosr_data::Normalisation;

/// How many times the loss of a guess a loss may reach. A fresh network is within a few times of
/// it, and one that learns stays below it; a training that diverges passes through on its way to
/// infinity.
const EXPLOSION: f64 = 1000.0;

/// Why a network cannot learn from a batch.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchFault {
    /// The loss is NaN or infinite.
    #[error("the loss is {loss}")]
    Loss {
        /// Cross-entropy + λ · MSE.
        loss: f32,
    },
    /// The loss is finite and more than 1000 times that of a guess.
    #[error("the loss is {loss:.3e}, more than 1000 times that of a guess ({guess:.3})")]
    Explosion {
        /// Cross-entropy + λ · MSE.
        loss: f32,
        /// What guessing gives at worst: ln K + λ · m for K classes, where m is the largest mean
        /// square that a normalised picture can have.
        guess: f64,
    },
    /// A gradient is NaN or infinite.
    #[error("the gradients are not finite (loss {loss:.3e})")]
    Gradients {
        /// Cross-entropy + λ · MSE.
        loss: f32,
    },
    /// A running mean or variance of a batch norm would become NaN or infinite.
    #[error("the batch norms' statistics are not finite (loss {loss:.3e})")]
    Statistics {
        /// Cross-entropy + λ · MSE.
        loss: f32,
    },
}

impl BatchFault {
    /// Cross-entropy + λ · MSE of the batch.
    pub fn loss(&self) -> f32 {
        match *self {
            Self::Loss { loss }
            | Self::Explosion { loss, .. }
            | Self::Gradients { loss }
            | Self::Statistics { loss } => loss,
        }
    }

    /// What is wrong with a loss of a network with `n_classes`, whose reconstruction counts
    /// `weight` times and whose pictures are normalised like this.
    pub(super) fn of_loss(
        loss: f64,
        n_classes: usize,
        weight: f64,
        normalisation: &Normalisation,
    ) -> Option<Self> {
        if !loss.is_finite() {
            return Some(Self::Loss { loss: loss as f32 });
        }
        let guess = loss_of_a_guess(n_classes, weight, normalisation);
        (loss > EXPLOSION * guess).then_some(Self::Explosion {
            loss: loss as f32,
            guess,
        })
    }
}

/// Loss of whoever finds all K classes equally likely and answers each picture with zeros:
/// `ln K + weight * mean over the channels of max(mean^2, (1 - mean)^2) / std^2`, the second term
/// for the worst picture, black or white in each channel.
///
/// It follows from the settings alone, so that a batch of absurd values does not raise it.
fn loss_of_a_guess(n_classes: usize, weight: f64, normalisation: &Normalisation) -> f64 {
    let channels = normalisation.mean.iter().zip(&normalisation.std);
    let squares = channels.map(|(&mean, &std)| {
        let (mean, std) = (f64::from(mean), f64::from(std));
        (mean.abs().max((1.0 - mean).abs()) / std).powi(2)
    });
    (n_classes as f64).ln() + weight * squares.sum::<f64>() / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_by_hand() {
        let half = loss_of_a_guess(10, 1.0, &Normalisation::HALF);
        assert!((half - (10f64.ln() + 1.0)).abs() < 1e-12);
        let uneven = Normalisation {
            mean: [0.0, 0.25, 1.0],
            std: [0.5, 0.25, 0.125],
        };
        let guess = loss_of_a_guess(2, 3.0, &uneven);
        assert!((guess - (2f64.ln() + 4.0 + 9.0 + 64.0)).abs() < 1e-12);
    }

    #[test]
    fn where_a_loss_is_bad() {
        let fault = |loss| BatchFault::of_loss(loss, 10, 1.0, &Normalisation::HALF);
        let limit = 1000.0 * (10f64.ln() + 1.0);
        for fine in [0.0, 2.3, 100.0, limit * 0.999_999] {
            assert_eq!(fault(fine), None, "{fine}");
        }
        assert!(matches!(
            fault(limit * 1.000_001),
            Some(BatchFault::Explosion { .. })
        ));
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(fault(bad), Some(BatchFault::Loss { .. })), "{bad}");
        }
        let text = fault(1e6).map(|f| f.to_string());
        assert_eq!(
            text.as_deref(),
            Some("the loss is 1.000e6, more than 1000 times that of a guess (3.303)")
        );
    }
}
