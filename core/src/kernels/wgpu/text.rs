//! The texts of the executor's shaders: templates in `shaders/network/`, filled in.
//!
//! A line `//@include NAME` stands for another file; `//@for i in NAME` … `//@end` repeats what is between them with `{{i}}` from 0 on, so that
//! sums stay in registers; `{{NAME}}` is a number.

/// A template, and the files that it includes.
macro_rules! shader {
    ($name:literal) => {
        include_str!(concat!("../../../../shaders/network/", $name, ".wgsl"))
    };
}

/// The kernels that are no convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    /// For so many parts.
    Arrange(usize),
    ChannelSum,
    Fold,
    Linear,
    MaxPool,
    MaxPoolBack,
    Mean,
    MeanBack,
    NormBack,
    NormBackSums,
    NormForward,
    NormSums,
    Scale,
    ScaleBack,
    Sum,
    Transpose,
}

impl Kernel {
    #[cfg(test)]
    pub(super) const ALL: [Self; 16] = [
        Self::Arrange(3),
        Self::ChannelSum,
        Self::Fold,
        Self::Linear,
        Self::MaxPool,
        Self::MaxPoolBack,
        Self::Mean,
        Self::MeanBack,
        Self::NormBack,
        Self::NormBackSums,
        Self::NormForward,
        Self::NormSums,
        Self::Scale,
        Self::ScaleBack,
        Self::Sum,
        Self::Transpose,
    ];

    pub(super) fn text(self) -> String {
        let template = match self {
            Self::Arrange(parts) => return fill_in(shader!("arrange"), &[("parts", parts)]),
            Self::ChannelSum => shader!("channel_sum"),
            Self::Fold => shader!("fold"),
            Self::Linear => shader!("linear"),
            Self::MaxPool => shader!("max_pool"),
            Self::MaxPoolBack => shader!("max_pool_back"),
            Self::Mean => shader!("mean"),
            Self::MeanBack => shader!("mean_back"),
            Self::NormBack => shader!("norm_back"),
            Self::NormBackSums => shader!("norm_back_sums"),
            Self::NormForward => shader!("norm_forward"),
            Self::NormSums => shader!("norm_sums"),
            Self::Scale => shader!("scale"),
            Self::ScaleBack => shader!("scale_back"),
            Self::Sum => shader!("sum"),
            Self::Transpose => shader!("transpose"),
        };
        fill_in(template, &[])
    }
}

/// The template of convolutions in tiles, and of those without.
pub(super) const CONVOLUTIONS: [&str; 2] = [shader!("convolution"), shader!("convolution_direct")];

/// The template of weights' gradients in tiles, and of those without.
pub(super) const WEIGHT_GRADIENTS: [&str; 2] = [shader!("weight_gradient"), shader!("weight_gradient_direct")];

fn included(name: &str) -> &'static str {
    match name {
        "back" => shader!("back"),
        "correlation" => shader!("correlation"),
        "each" => shader!("each"),
        "finish" => shader!("finish"),
        "norm" => shader!("norm"),
        "real" => shader!("real"),
        "window" => shader!("window"),
        _ => "",
    }
}

/// The text of a template whose numbers have these values. A name without a value stays as it is, which no shader compiler takes.
pub(super) fn fill_in(template: &str, values: &[(&str, usize)]) -> String {
    let mut values: Vec<(String, usize)> = values.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
    let mut text = String::new();
    expand(&template.lines().collect::<Vec<_>>(), &mut values, &mut text);
    text
}

fn expand(lines: &[&str], values: &mut Vec<(String, usize)>, text: &mut String) {
    let mut next = 0;
    while let Some(&line) = lines.get(next) {
        next += 1;
        if let Some(name) = line.strip_prefix("//@include ") {
            expand(&included(name).lines().collect::<Vec<_>>(), values, text);
        } else if let Some((variable, count)) = line.strip_prefix("//@for ").and_then(|rest| rest.split_once(" in ")) {
            let body = &lines[next..next + body_of(&lines[next..])];
            next += body.len() + 1;
            let count = values.iter().find(|(name, _)| name == count).map_or(0, |&(_, value)| value);
            for value in 0..count {
                values.push((variable.to_owned(), value));
                expand(body, values, text);
                values.pop();
            }
        } else {
            let mut line = line.to_owned();
            for (name, value) in values.iter() {
                line = line.replace(&format!("{{{{{name}}}}}"), &value.to_string());
            }
            text.push_str(&line);
            text.push('\n');
        }
    }
}

/// How many lines lie before the end of a loop.
fn body_of(lines: &[&str]) -> usize {
    let mut depth = 0;
    for (index, line) in lines.iter().enumerate() {
        if line.starts_with("//@for ") {
            depth += 1;
        } else if *line == "//@end" {
            if depth == 0 {
                return index;
            }
            depth -= 1;
        }
    }
    lines.len()
}
