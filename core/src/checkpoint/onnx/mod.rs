//! A frozen network as an ONNX file, which other programs run.
//!
//! What is written is the network's list of layers, with batch normalisation as it is in evaluation: folded into the convolution before it,
//! or a factor and a shift of its own. Messages and fields are those of `onnx.proto` (<https://onnx.ai>), operators those of [`OPSET`].

mod protobuf;

use std::path::Path;

use self::protobuf::Message;
use super::{CheckpointError, write_whole};
use crate::{
    dataset::SampleShape,
    model::{Layer, Layers},
};

/// The version of ONNX's operators that files are written for: every runtime since 2020 has it.
pub const OPSET: u64 = 13;
/// The version of the format that goes with it.
const IR_VERSION: u64 = 7;
/// What a protocol buffer may hold.
const LARGEST: usize = i32::MAX as usize;
const FLOAT: u64 = 1;
const INT64: u64 = 7;

/// What the samples and the logits are called in the file.
pub const INPUT: &str = "samples";
const OUTPUT: &str = "logits";

/// Writes `layers` with their `parameters` (see [`Program`](crate::model::Program)) for samples of `shape`, any number at a time: `samples`
/// (N x D or N x C x H x W, pixels in [0, 1]) to `logits` (N x classes).
///
/// # Errors
/// [`CheckpointError`] with the path, also if the network is larger than such a file may be.
pub fn write_onnx(path: &Path, layers: &Layers, parameters: &[f32], shape: SampleShape) -> Result<(), CheckpointError> {
    if 4 * parameters.len() >= LARGEST {
        return Err(CheckpointError::Malformed {
            path: path.to_owned(),
            found: format!("a network of {} numbers", parameters.len()),
            expected: "one of at most half a billion, which is all that an ONNX file holds; safetensors has no such bound"
                .to_owned(),
        });
    }
    write_whole(path, &bytes(layers, parameters, shape))
}

fn bytes(layers: &Layers, parameters: &[f32], shape: SampleShape) -> Vec<u8> {
    let mut graph = Graph { parameters, nodes: Vec::new(), numbers: Vec::new(), rows: vec![false] };
    let mut names = vec![INPUT.to_owned()];
    let first: Vec<usize> = layers.signals[0].to_vec();
    if shape.sizes() != first {
        // A perceptron takes rows as channels of numbers.
        let sizes: Vec<i64> = std::iter::once(0).chain(first.iter().map(|size| *size as i64)).collect();
        let sizes = graph.whole_numbers("shape", &sizes);
        names[0] = graph.node("Reshape", &[INPUT, &sizes], "arranged", Vec::new());
    }
    for (place, layer) in layers.layers.iter().enumerate() {
        let output = graph.layer(layers, place, layer, &names);
        names.push(output);
    }
    let last = names.last().cloned().unwrap_or_default();
    graph.node("Identity", &[&last], OUTPUT, Vec::new());
    let classes = layers.classes();
    let graph = Message::default()
        .each(graph.nodes, |message, node| message.message(1, node))
        .text(2, "network")
        .each(graph.numbers, |message, numbers| message.message(5, numbers))
        .message(11, value(INPUT, &shape.sizes()))
        .message(12, value(OUTPUT, &[classes]));
    Message::default()
        .number(1, IR_VERSION)
        .text(2, "gairat")
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(7, graph)
        .message(8, Message::default().text(1, "").number(2, OPSET))
        .into_bytes()
}

/// An input or output: any number of samples of these sizes.
fn value(name: &str, sizes: &[usize]) -> Message {
    let any = Message::default().text(2, "N");
    let shape = Message::default()
        .message(1, any)
        .each(sizes, |message, size| message.message(1, Message::default().number(1, *size as u64)));
    let tensor = Message::default().number(1, FLOAT).message(2, shape);
    Message::default().text(1, name).message(2, Message::default().message(1, tensor))
}

/// Whole numbers that say how a node computes.
fn whole(name: &str, numbers: &[usize]) -> Message {
    let message = Message::default().text(1, name);
    message.each(numbers, |message, number| message.number(8, *number as u64)).number(20, INT64)
}

struct Graph<'a> {
    parameters: &'a [f32],
    nodes: Vec<Message>,
    numbers: Vec<Message>,
    /// Of each signal, whether it is rows (N x D) already and no maps.
    rows: Vec<bool>,
}

impl Graph<'_> {
    /// Adds a node; gives its output's name back.
    fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: Vec<Message>) -> String {
        let node = Message::default()
            .each(inputs, |message, input| message.text(1, input))
            .text(2, output)
            .text(3, output)
            .text(4, operator)
            .each(attributes, |message, attribute| message.message(5, attribute));
        self.nodes.push(node);
        output.to_owned()
    }

    /// Adds numbers; gives their name back.
    fn floats(&mut self, name: &str, sizes: &[usize], numbers: &[f32]) -> String {
        let raw: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let tensor = Message::default().each(sizes, |message, size| message.number(1, *size as u64)).number(2, FLOAT);
        self.numbers.push(tensor.text(8, name).bytes(9, &raw));
        name.to_owned()
    }

    fn whole_numbers(&mut self, name: &str, numbers: &[i64]) -> String {
        let raw: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.numbers.push(Message::default().number(1, numbers.len() as u64).number(2, INT64).text(8, name).bytes(9, &raw));
        name.to_owned()
    }

    /// The numbers from a place on.
    fn at(&self, place: usize, count: usize) -> Vec<f32> {
        self.parameters.iter().skip(place).take(count).copied().collect()
    }

    /// Adds a layer; gives the name of its signal back.
    fn layer(&mut self, layers: &Layers, place: usize, layer: &Layer, names: &[String]) -> String {
        let name = format!("layer{}", place + 1);
        let part = |part: &str| format!("{name}.{part}");
        let [outputs, ..] = layers.signals[place + 1];
        let (signal, rows, relu) = match *layer {
            Layer::Linear { from, weight, bias, relu } => {
                let inputs: usize = layers.signals[from].iter().product();
                let row = outputs.next_multiple_of(Layers::SLOT);
                // Rows are filled up in the buffer, and not in a file for others.
                let padded = self.at(weight, inputs * row);
                let plain: Vec<f32> = padded.chunks(row).flat_map(|numbers| numbers.iter().take(outputs)).copied().collect();
                let weight = self.floats(&part("weight"), &[inputs, outputs], &plain);
                let bias = self.at(bias, outputs);
                let bias = self.floats(&part("bias"), &[outputs], &bias);
                let input = if self.rows[from] {
                    names[from].clone()
                } else {
                    self.node("Flatten", &[&names[from]], &part("rows"), Vec::new())
                };
                (self.node("Gemm", &[&input, &weight, &bias], &part("linear"), Vec::new()), true, relu)
            }
            Layer::Convolution { from, kernel, stride, padding, weight, scale, shift, add, relu } => {
                let inputs = layers.signals[from][0];
                let mut kernels = self.at(weight, outputs * inputs * kernel * kernel);
                if let Some(scale) = scale {
                    let scale = self.at(scale, outputs);
                    for (kernel, scale) in kernels.chunks_mut(inputs * kernel * kernel).zip(scale) {
                        kernel.iter_mut().for_each(|number| *number *= scale);
                    }
                }
                let weight = self.floats(&part("weight"), &[outputs, inputs, kernel, kernel], &kernels);
                let shift = shift.map_or_else(|| vec![0.0; outputs], |shift| self.at(shift, outputs));
                let bias = self.floats(&part("bias"), &[outputs], &shift);
                let how = vec![whole("kernel_shape", &[kernel; 2]), whole("strides", &[stride; 2]), whole("pads", &[padding; 4])];
                let mut signal = self.node("Conv", &[&names[from], &weight, &bias], &part("convolution"), how);
                if let Some(add) = add {
                    signal = self.node("Add", &[&signal, &names[add]], &part("sum"), Vec::new());
                }
                (signal, false, relu)
            }
            Layer::Scale { from, scale, shift, relu } => {
                let sizes: &[usize] = if self.rows[from] { &[outputs] } else { &[outputs, 1, 1] };
                let (scale, shift) = (self.at(scale, outputs), self.at(shift, outputs));
                let scale = self.floats(&part("scale"), sizes, &scale);
                let shift = self.floats(&part("shift"), sizes, &shift);
                let scaled = self.node("Mul", &[&names[from], &scale], &part("scaled"), Vec::new());
                (self.node("Add", &[&scaled, &shift], &part("shifted"), Vec::new()), self.rows[from], relu)
            }
            Layer::MaxPool { from } => {
                let how = vec![whole("kernel_shape", &[2; 2]), whole("strides", &[2; 2])];
                (self.node("MaxPool", &[&names[from]], &part("pooled"), how), false, false)
            }
            Layer::Mean { from } => (self.node("GlobalAveragePool", &[&names[from]], &part("mean"), Vec::new()), false, false),
        };
        self.rows.push(rows);
        if relu { self.node("Relu", &[&signal], &part("relu"), Vec::new()) } else { signal }
    }
}

#[cfg(test)]
mod tests;
