use burn::tensor::Device;

use super::*;
use crate::model::{Classifier as _, Initialisation, ModelSpec, Network, Normalisation};

/// A field: its number, and its bytes or its number in eight of them.
type Field = (u64, Vec<u8>);

/// Reads a message again, as anybody's reader of protocol buffers does.
fn fields(mut bytes: &[u8]) -> Vec<Field> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut number = 0;
        for shift in (0..).step_by(7) {
            let (byte, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                break;
            }
        }
        number
    }
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        match key & 7 {
            0 => found.push((key >> 3, varint(&mut bytes).to_le_bytes().to_vec())),
            2 => {
                let length = varint(&mut bytes) as usize;
                let (content, rest) = bytes.split_at(length);
                found.push((key >> 3, content.to_vec()));
                bytes = rest;
            }
            kind => panic!("kind {kind}"),
        }
    }
    found
}

fn all(fields: &[Field], number: u64) -> Vec<&[u8]> {
    fields.iter().filter(|(field, _)| *field == number).map(|(_, content)| content.as_slice()).collect()
}

fn written(model: &str, shape: SampleShape, normalise: &str) -> Vec<Field> {
    let spec: ModelSpec = model.parse().unwrap();
    let normalisation: Normalisation = normalise.parse().unwrap();
    let device = Device::flex();
    let network = Network::new(&spec, shape, 10, &normalisation, Initialisation::He, 0, &device).unwrap();
    let program = network.program().unwrap();
    let parameters: Vec<f32> = program.parameters().into_data().iter::<f32>().collect();
    fields(&bytes(&program.layers, &parameters, shape))
}

#[test]
fn the_file_says_its_versions_and_holds_every_layer_in_order() {
    let model = written("net-mnist", SampleShape::Image { channels: 1, height: 28, width: 28 }, "0.1307/0.3081");
    assert_eq!(all(&model, 1), [7_u64.to_le_bytes()]);
    assert_eq!(all(&fields(all(&model, 8)[0]), 2), [OPSET.to_le_bytes()]);
    let graph = fields(all(&model, 7)[0]);
    let operators: Vec<String> =
        all(&graph, 1).iter().map(|node| String::from_utf8_lossy(all(&fields(node), 4)[0]).into_owned()).collect();
    let expected = "Mul Add Conv Relu MaxPool Conv Relu MaxPool Flatten Gemm Relu Gemm Identity";
    assert_eq!(operators.join(" "), expected);
    // Each input of a node is the graph's, a tensor of it, or what an earlier node made.
    let text = |content: &&[u8]| String::from_utf8_lossy(content).into_owned();
    let mut known: Vec<String> = all(&graph, 5).iter().map(|tensor| text(&all(&fields(tensor), 8)[0])).collect();
    known.push(INPUT.to_owned());
    for node in all(&graph, 1) {
        let node = fields(node);
        assert!(all(&node, 1).iter().all(|input| known.contains(&text(input))), "{:?}", all(&node, 1));
        known.push(text(&all(&node, 2)[0]));
    }
    assert!(known.contains(&OUTPUT.to_owned()));
}

#[test]
fn a_tensor_holds_as_many_numbers_as_its_sizes_say_and_no_padding() {
    for (model, shape, learned) in [
        ("mlp:5", SampleShape::Flat(3), 5 * 3 + 5 + 10 * 5 + 10),
        ("mlp:5", SampleShape::Image { channels: 3, height: 2, width: 2 }, 5 * 12 + 5 + 10 * 5 + 10 + 2 * 3),
    ] {
        let normalise = if shape.len() == 12 { "0.5/0.5" } else { "none" };
        let graph = fields(all(&written(model, shape, normalise), 7)[0]);
        let mut floats = 0;
        for tensor in all(&graph, 5) {
            let tensor = fields(tensor);
            let size = |size: &&[u8]| u64::from_le_bytes((*size).try_into().unwrap()) as usize;
            let numbers: usize = all(&tensor, 1).iter().map(size).product();
            let width = if all(&tensor, 2) == [FLOAT.to_le_bytes()] { 4 } else { 8 };
            assert_eq!(all(&tensor, 9)[0].len(), width * numbers);
            floats += if width == 4 { numbers } else { 0 };
        }
        assert_eq!(floats, learned, "{model} for {shape}");
    }
}
