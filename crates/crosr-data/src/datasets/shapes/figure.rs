//! Outlines, each about as large as the unit circle.

use std::f32::consts::TAU;

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Disc,
    Square,
    Triangle,
    Cross,
    Ring,
    Star,
    Arrow,
    Hourglass,
    Angle,
    HalfDisc,
}

impl Figure {
    /// Classes, in the order of their labels.
    pub(super) const KNOWN: [Self; 6] = [
        Self::Disc,
        Self::Square,
        Self::Triangle,
        Self::Cross,
        Self::Ring,
        Self::Star,
    ];

    /// Never among the training data. Of fifteen outlines tried, these are among the ones that a
    /// small network took least often for a known kind: an easy task, to show the way.
    pub(super) const UNKNOWN: [Self; 4] =
        [Self::Arrow, Self::Hourglass, Self::Angle, Self::HalfDisc];

    pub(super) const fn names<const N: usize>(figures: [Self; N]) -> [&'static str; N] {
        let mut names = [""; N];
        let mut i = 0;
        while i < N {
            names[i] = figures[i].name();
            i += 1;
        }
        names
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Disc => "disc",
            Self::Square => "square",
            Self::Triangle => "triangle",
            Self::Cross => "cross",
            Self::Ring => "ring",
            Self::Star => "star",
            Self::Arrow => "arrow",
            Self::Hourglass => "hourglass",
            Self::Angle => "angle",
            Self::HalfDisc => "half-disc",
        }
    }

    /// Whether a point lies inside.
    pub(super) fn contains(self, u: f32, v: f32) -> bool {
        let r = u.hypot(v);
        match self {
            Self::Disc => r <= 0.92,
            Self::Square => u.abs().max(v.abs()) <= 0.7,
            // At most half a unit along each of three directions.
            Self::Triangle => {
                let third = 3f32.sqrt() * 0.5;
                v >= -0.5 && third * u.abs() + 0.5 * v <= 0.5
            }
            Self::Cross => u.abs().min(v.abs()) <= 0.27 && u.abs().max(v.abs()) <= 0.95,
            Self::Ring => (0.52..=0.95).contains(&r),
            // Five points, folded into half of one: the line from a tip (1, 0) to a notch.
            Self::Star => {
                let sector = TAU / 5.0;
                let turn = v.atan2(u);
                let folded = (turn - (turn / sector).round() * sector).abs();
                let (x, y) = (r * folded.cos(), r * folded.sin());
                let (notch_x, notch_y) = (0.4 * (0.5 * sector).cos(), 0.4 * (0.5 * sector).sin());
                (notch_x - 1.0) * y - notch_y * (x - 1.0) >= 0.0
            }
            // A shaft and a triangular head.
            Self::Arrow => {
                let shaft = (-0.9..=0.1).contains(&u) && v.abs() <= 0.18;
                let head = (0.0..=0.95).contains(&u) && v.abs() <= 0.68 * (0.95 - u);
                shaft || head
            }
            // Two wedges, joined at a waist.
            Self::Hourglass => u.abs() <= 0.85 && v.abs() <= (0.12 + 0.5 * u.abs()).min(0.5),
            // Two arms at a right angle.
            Self::Angle => {
                let upright = (-0.6..=-0.2).contains(&u) && v.abs() <= 0.78;
                let level = (-0.78..=-0.4).contains(&v) && u.abs() <= 0.6;
                upright || level
            }
            Self::HalfDisc => r <= 0.92 && u >= 0.0,
        }
    }
}
