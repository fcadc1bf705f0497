//! Converts numbers to labels, from one whole number per sample or from one-hot rows, and notes their peculiarities.

/// Classes are counted up to here; a higher label is taken for a mistake.
pub(super) const MAX_CLASSES: u32 = 65_536;

/// How many numbers each of `count` samples has in an array of these sizes: one (N or N x 1), or one for each class (N x classes).
///
/// # Errors
/// What was found and what was expected.
pub(super) fn columns(sizes: &[usize], count: usize) -> Result<usize, (String, String)> {
    match *sizes {
        [n] if n == count => Ok(1),
        [n, columns] if n == count => Ok(columns),
        _ => Err((format!("has the shape {sizes:?}"), format!("[{count}], one label for each sample"))),
    }
}

/// The labels of samples, from one number for each, or from one-hot rows of so many.
///
/// # Errors
/// What was found and what was expected.
pub(super) fn labels(columns: usize, numbers: &[f64]) -> Result<Vec<u32>, (String, String)> {
    if columns == 1 {
        return numbers.iter().enumerate().map(|(place, &number)| label(place, number)).collect();
    }
    numbers.chunks_exact(columns.max(1)).enumerate().map(|(place, row)| hot(place, row)).collect()
}

fn label(place: usize, number: f64) -> Result<u32, (String, String)> {
    if number.fract() == 0.0 && (0.0..f64::from(MAX_CLASSES)).contains(&number) {
        Ok(number as u32)
    } else {
        let expected = format!("classes, whole numbers from 0 to {}", MAX_CLASSES - 1);
        Err((format!("holds {number} at place {place} (counted from 0)"), expected))
    }
}

/// The place of the only 1 of a row.
fn hot(place: usize, row: &[f64]) -> Result<u32, (String, String)> {
    let ones: Vec<usize> = row.iter().enumerate().filter(|(_, number)| **number == 1.0).map(|(class, _)| class).collect();
    match ones.as_slice() {
        [class] if row.iter().filter(|number| **number != 0.0).count() == 1 => Ok(*class as u32),
        _ => Err((
            format!("holds a row of {} numbers at place {place} (counted from 0) that is not one 1 among zeros", row.len()),
            "one label for each sample, or one-hot rows (`y.argmax(1)` makes labels of scores)".to_owned(),
        )),
    }
}

/// What is strange about labels, in a sentence each.
pub(in crate::dataset) fn strange(labels: &[u32]) -> Vec<String> {
    let Some(&highest) = labels.iter().max() else { return Vec::new() };
    let mut counts = vec![0_usize; highest as usize + 1];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    if labels.len() > 1 && labels.iter().all(|label| *label == highest) {
        return vec![format!("all labels are {highest}: there are no two classes to tell apart")];
    }
    let missing: Vec<String> =
        counts.iter().enumerate().filter(|(_, count)| **count == 0).map(|(class, _)| class.to_string()).collect();
    if missing.is_empty() {
        Vec::new()
    } else if missing == ["0"] {
        vec![format!("labels run from 1 to {highest}: class 0 has no samples; if they are counted from 1, subtract 1")]
    } else {
        let (shown, rest) = missing.split_at(missing.len().min(10));
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        vec![format!("labels go up to {highest}, and no sample has {}{more}", shown.join(", "))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_floats_and_one_hot_rows_mean_the_same() {
        let read = |sizes: &[usize], numbers: &[f64]| columns(sizes, 3).and_then(|columns| labels(columns, numbers));
        let expected = Ok(vec![2, 0, 1]);
        assert_eq!(read(&[3], &[2.0, 0.0, 1.0]), expected);
        assert_eq!(read(&[3, 1], &[2.0, 0.0, 1.0]), expected);
        assert_eq!(read(&[3, 3], &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]), expected);
        for (sizes, numbers, said) in [
            ([3].as_slice(), [0.5, 1.0, 2.0].as_slice(), "0.5 at place 0"),
            (&[3], &[0.0, -1.0, 2.0], "-1 at place 1"),
            (&[2], &[0.0, 1.0], "[2]"),
            (&[3, 2], &[0.25, 0.75, 1.0, 0.0, 0.0, 1.0], "row of 2 numbers at place 0"),
            (&[3, 2], &[1.0, 1.0, 1.0, 0.0, 0.0, 1.0], "row of 2 numbers at place 0"),
            (&[3], &[0.0, f64::NAN, 2.0], "NaN at place 1"),
        ] {
            let (found, _) = read(sizes, numbers).unwrap_err();
            assert!(found.contains(said), "{found}");
        }
    }

    #[test]
    fn labels_that_begin_at_1_or_skip_are_told() {
        assert_eq!(strange(&[0, 1, 2, 1]), Vec::<String>::new());
        assert_eq!(strange(&[]), Vec::<String>::new());
        assert!(strange(&[1, 2, 3])[0].contains("from 1 to 3"));
        assert!(strange(&[0, 5, 1])[0].contains("no sample has 2, 3, 4"));
        assert!(strange(&[0, 40])[0].contains("and 29 more"));
    }
}
