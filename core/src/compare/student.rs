//! Student's t distribution for a whole number of degrees of freedom, whose distribution function is a finite sum.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// P(|T| ≤ √ν tan θ) for ν degrees of freedom and θ in 0..π/2.
///
/// Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.3 for odd ν and 26.7.4 for even ν.
fn within(theta: f64, freedom: u32) -> f64 {
    let (sine, cosine) = theta.sin_cos();
    let odd = freedom % 2 == 1;
    // Odd: cos θ + 2/3 cos³ θ + … up to cos^(ν−2) θ; even: 1 + 1/2 cos² θ + … up to cos^(ν−2) θ.
    let (mut term, mut power) = if odd { (cosine, 1) } else { (1.0, 0) };
    let mut sum = 0.0;
    while power + 2 <= freedom {
        sum += term;
        power += 2;
        term *= cosine * cosine * f64::from(power - 1) / f64::from(power);
    }
    if odd { FRAC_2_PI * (theta + sine * sum) } else { sine * sum }
}

/// The t for which |T| ≤ t has the probability `level`, such as 0.95, with `freedom` degrees of freedom; infinite for none.
pub fn quantile(level: f64, freedom: u32) -> f64 {
    if freedom == 0 || level >= 1.0 {
        return f64::INFINITY;
    }
    // `within` rises with θ; halving ends at neighbouring numbers.
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if within(middle, freedom) < level {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::from(freedom).sqrt() * low.tan()
}

#[cfg(test)]
mod tests {
    use super::quantile;

    /// `scipy.stats.t.ppf((1 + level) / 2, freedom)` of SciPy 1.17.1.
    const OF_SCIPY: &[(f64, u32, f64)] = &[
        (0.9, 1, 6.313751514675037),
        (0.9, 4, 2.1318467863266495),
        (0.9, 5, 2.0150483733330233),
        (0.9, 30, 1.697260886593957),
        (0.95, 1, 12.706204736174694),
        (0.95, 2, 4.302652729749462),
        (0.95, 3, 3.1824463052837078),
        (0.95, 4, 2.7764451051977934),
        (0.95, 5, 2.5705818356363146),
        (0.95, 6, 2.4469118511449786),
        (0.95, 7, 2.364624251592784),
        (0.95, 9, 2.262157162798205),
        (0.95, 10, 2.228138851986274),
        (0.95, 19, 2.0930240544083087),
        (0.95, 29, 2.045229642132703),
        (0.95, 30, 2.0422724563012378),
        (0.95, 100, 1.9839715185235518),
        (0.95, 999, 1.9623414611334493),
        (0.99, 1, 63.656741162871526),
        (0.99, 4, 4.604094871349992),
        (0.99, 5, 4.032142983555228),
        (0.99, 30, 2.7499956535672254),
    ];

    #[test]
    fn quantiles_are_those_of_scipy() {
        for &(level, freedom, expected) in OF_SCIPY {
            let found = quantile(level, freedom);
            assert!((found / expected - 1.0).abs() < 1e-10, "{level} {freedom}: {found} is not {expected}");
        }
    }

    #[test]
    fn one_and_two_degrees_of_freedom_have_closed_forms() {
        for level in [0.1, 0.5, 0.8, 0.95, 0.999] {
            let cauchy = (std::f64::consts::FRAC_PI_2 * level).tan();
            assert!((quantile(level, 1) / cauchy - 1.0).abs() < 1e-10);
            let two = level * (2.0 / (1.0 - level * level)).sqrt();
            assert!((quantile(level, 2) / two - 1.0).abs() < 1e-10);
        }
        assert!(quantile(0.95, 0).is_infinite());
    }
}
