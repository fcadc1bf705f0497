//! What the last epoch measured of every training sample, as `samples.csv` has it.

/// The columns that figures are drawn of, equally long.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Measured {
    /// Rows of the samples in their source.
    pub(crate) row: Vec<u32>,
    pub(crate) kappa: Vec<f64>,
    pub(crate) weight: Vec<f64>,
    pub(crate) margin_start: Vec<f64>,
    pub(crate) margin_adversarial: Vec<f64>,
    /// What the weight depends on; NaN of a sample that was not weighed.
    pub(crate) depends_on: Vec<f64>,
}

impl Measured {
    /// Reads the file by the names in its first line; a row that lacks a number, or a file of another kind, gives nothing.
    #[allow(dead_code, reason = "a page has the samples themselves")]
    pub(crate) fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let place = |name: &str| names.iter().position(|there| *there == name);
        let (Some(kappa), Some(weight), Some(start), Some(adversarial)) =
            (place("kappa"), place("weight"), place("margin_start"), place("margin_adversarial"))
        else {
            return Self::default();
        };
        let (row, depends_on) = (place("index"), place("depends_on"));
        let mut measured = Self::default();
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let number = |place: usize| cells.get(place).and_then(|cell| cell.parse::<f64>().ok());
            let (Some(kappa), Some(weight), Some(start), Some(adversarial)) =
                (number(kappa), number(weight), number(start), number(adversarial))
            else {
                continue;
            };
            measured.row.push(row.and_then(|row| cells.get(row)?.parse().ok()).unwrap_or(measured.kappa.len() as u32));
            measured.kappa.push(kappa);
            measured.weight.push(weight);
            measured.margin_start.push(start);
            measured.margin_adversarial.push(adversarial);
            // Files of before there were other axes have no such column: there it was kappa.
            measured.depends_on.push(depends_on.map_or(Some(kappa), number).unwrap_or(f64::NAN));
        }
        measured
    }

    /// The mean weight of the samples of each kappa from 0 to `most`; none where there are none.
    pub(crate) fn weight_by_kappa(&self, most: usize) -> Vec<(usize, usize, Option<f64>)> {
        let of = |kappa: usize| {
            let weights = self.kappa.iter().zip(&self.weight).filter(|(of, _)| **of as usize == kappa).map(|(_, weight)| *weight);
            let (sum, count) = weights.fold((0.0, 0), |(sum, count), weight| (sum + weight, count + 1));
            (kappa, count, (count > 0).then(|| sum / count as f64))
        };
        (0..=most).map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Measured;

    #[test]
    fn columns_are_found_by_name_and_rows_without_numbers_left_out() {
        let text = "weight,kappa,label,margin_adversarial,margin_start\n0.5,1,0,-1,2\n1.5,1,0,-2,3\n1,x,0,0,0\n2,3,1,1,1\n";
        let measured = Measured::read(text);
        assert_eq!((measured.kappa.as_slice(), measured.margin_start.as_slice()), (&[1.0, 1.0, 3.0][..], &[2.0, 3.0, 1.0][..]));
        assert_eq!(measured.weight_by_kappa(3), [(0, 0, None), (1, 2, Some(1.0)), (2, 0, None), (3, 1, Some(2.0))]);
        assert_eq!(Measured::read("a,b\n1,2\n"), Measured::default());
    }
}
