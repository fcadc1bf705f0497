use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{dataset::SampleShape, model::tensor_shapes};

/// Names and shapes of the codes' networks, as PyTorch told them; the codes that share one are separated by blanks.
fn published() -> BTreeMap<String, BTreeMap<String, Vec<usize>>> {
    serde_json::from_str(include_str!("published.json")).unwrap()
}

/// A file with these names and shapes, its numbers all 0. The largest networks have 46 million of them, so wide layers are left out where
/// only names are looked at.
fn container(shapes: &BTreeMap<String, Vec<usize>>, prefix: &str) -> Container {
    let tensors = shapes.iter().filter(|(name, _)| !name.ends_with("num_batches_tracked"));
    Container {
        tensors: tensors
            .map(|(name, shape)| (format!("{prefix}{name}"), NamedTensor { shape: shape.clone(), values: Vec::new() }))
            .collect(),
        ..Container::default()
    }
}

#[test]
fn every_network_of_the_published_codes_is_the_network_here_that_it_is() {
    let colour = SampleShape::Image { channels: 3, height: 32, width: 32 };
    let grey = SampleShape::Image { channels: 1, height: 28, width: 28 };
    let mut seen = 0;
    for (codes, shapes) in published() {
        let found = named(&container(&shapes, "")).unwrap();
        for code in codes.split(' ') {
            let (networks, shape): (&[&str], _) = match code {
                "trades/SmallCNN" => (&["small-cnn-28"], grey),
                "trades/Net_MNIST" => (&["net-mnist"], grey),
                "awp/PreActResNet18" => (&["preact-resnet18-bn"], colour),
                "robustbench/PreActResNet18" | "gairat/PreActResNet18" => (&["preact-resnet18", "preact-resnet18-raw"], colour),
                "robustbench/WideResNet-28-10" => (&["wrn:28,10"], colour),
                "trades/WideResNet-34-10" | "mart/WideResNet-34-10" | "gairat/WRN-32-10" => (&["wrn:34,10"], colour),
                _ => (&["resnet18"], colour),
            };
            assert_eq!(found.networks.iter().map(ToString::to_string).collect::<Vec<_>>(), networks, "{code}");
            let title = found.title.unwrap();
            let author = code.split('/').next().unwrap();
            assert!(title.to_lowercase().contains(author), "{code}: {title}");
            // Every tensor of the network here is there, in its shape, and none besides.
            let there: BTreeMap<String, Vec<usize>> =
                found.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect();
            for network in &found.networks {
                assert_eq!(tensor_shapes(network, shape, 10).unwrap(), there, "{code} as {network}");
            }
            let unused = if title == "the TRADES and MART codes" { vec![("sub_block1".to_owned(), 51)] } else { Vec::new() };
            assert_eq!(found.unused, unused, "{code}");
            seen += 1;
        }
    }
    assert_eq!(seen, 14);
}

#[test]
fn deeper_and_wider_networks_are_not_taken_for_the_ones_here() {
    let resnet = published().into_iter().find(|(codes, _)| codes.contains("gairat/ResNet18")).unwrap().1;
    for more in ["layer1.2.conv1.weight", "layer1.0.conv3.weight"] {
        let mut other = resnet.clone();
        other.insert(more.to_owned(), vec![64, 64, 3, 3]);
        assert_eq!(named(&container(&other, "")).unwrap().title, None);
    }
}

#[test]
fn linear_layers_are_a_perceptron_by_any_names_that_have_an_order() {
    let named_so = |names: [&str; 3]| {
        let sizes = [(48, 64), (24, 48), (10, 24)];
        let tensors = names.iter().zip(sizes).flat_map(|(name, (rows, columns))| {
            let tensor = |shape: &[usize]| NamedTensor { shape: shape.to_vec(), values: Vec::new() };
            [(format!("{name}.weight"), tensor(&[rows, columns])), (format!("{name}.bias"), tensor(&[rows]))]
        });
        named(&Container { tensors: tensors.collect(), ..Container::default() }).unwrap()
    };
    for names in
        [["0", "2", "4"], ["1", "4", "10"], ["fc1", "fc2", "fc3"], ["layer9", "layer10", "layer11"], ["input", "hidden", "b"]]
    {
        let found = named_so(names);
        assert_eq!(found.networks, [ModelSpec::Mlp(vec![48, 24])], "{names:?}");
        assert_eq!(found.tensors["0.weight"].shape, [48, 64], "{names:?}");
        assert_eq!(found.tensors["4.bias"].shape, [10], "{names:?}");
    }
}

#[test]
fn a_normalisation_is_found_under_every_name_and_two_that_differ_are_refused() {
    let shapes: BTreeMap<String, Vec<usize>> =
        [("0.weight", vec![2, 3]), ("0.bias", vec![2])].map(|(name, shape)| (name.to_owned(), shape)).into();
    let with = |prefix: &str, pairs: &[(&str, &[f32])]| {
        let mut container = container(&shapes, prefix);
        for (name, values) in pairs {
            container
                .tensors
                .push(((*name).to_owned(), NamedTensor { shape: vec![1, values.len(), 1, 1], values: values.to_vec() }));
        }
        named(&container)
    };
    let (mean, std) = ([0.5, 0.25, 0.125].as_slice(), [0.25, 0.25, 0.5].as_slice());
    for (prefix, names) in [
        ("", ["mu", "sigma"]),
        ("model.", ["mean", "std"]),
        ("1.", ["0.mean", "0.std"]),
        ("module.model.", ["module.normalize.mean", "module.normalize.std"]),
        ("model.", ["normalizer.new_mean", "normalizer.new_std"]),
    ] {
        let found = with(prefix, &[(names[0], mean), (names[1], std)]).unwrap();
        assert_eq!(found.normalisation.unwrap().to_string(), "0.5,0.25,0.125/0.25,0.25,0.5", "{names:?}");
        assert_eq!(found.networks, [ModelSpec::Mlp(vec![])], "{names:?}");
        assert_eq!(found.tensors["normalise.std"].values, std);
        assert_eq!(found.tensors.len(), 4);
    }
    let twice = [("mean", mean), ("std", std), ("normalize.mean", mean), ("normalize.std", std)];
    assert_eq!(with("model.", &twice).unwrap().tensors.len(), 4);
    let differing = [("mean", mean), ("std", std), ("normalize.mean", std), ("normalize.std", std)];
    let refusal = with("model.", &differing).unwrap_err();
    assert!(refusal.found.contains("`mean` and `normalize.mean`"), "{refusal:?}");
}

#[test]
fn the_copy_inside_of_an_attacker_is_left_out_and_a_network_of_its_own_is_not() {
    let (_, shapes) = published().into_iter().find(|(codes, _)| codes.contains("gairat/ResNet18")).unwrap();
    // As MadryLab's library saves it: the network, the same network in the attacker, and each with its normalisation.
    let wrapped = |copied: &dyn Fn(&NamedTensor) -> NamedTensor| {
        let mut container = container(&shapes, "module.model.");
        container.tensors.iter_mut().enumerate().for_each(|(place, (_, tensor))| tensor.values = vec![place as f32]);
        let copies = container.tensors.iter().map(|(name, tensor)| (name.replace("model.", "attacker.model."), copied(tensor)));
        let copies: Vec<_> = copies.collect();
        container.tensors.extend(copies);
        for module in ["module.normalizer", "module.attacker.normalize"] {
            for (leaf, value) in [("new_mean", 0.5), ("new_std", 0.25)] {
                container
                    .tensors
                    .push((format!("{module}.{leaf}"), NamedTensor { shape: vec![3, 1, 1], values: vec![value; 3] }));
            }
        }
        named(&container).unwrap()
    };
    let found = wrapped(&NamedTensor::clone);
    assert_eq!(found.networks, ["resnet18".parse().unwrap()]);
    assert_eq!(
        (found.copies, found.prefixes.as_slice()),
        (found.tensors.len() - 2, ["module.".to_owned(), "model.".to_owned()].as_slice())
    );
    assert_eq!(found.normalisation.unwrap().to_string(), "0.5,0.5,0.5/0.25,0.25,0.25");
    let other = wrapped(&|tensor| NamedTensor { shape: tensor.shape.clone(), values: vec![-1.0] });
    assert_eq!((other.copies, other.networks.as_slice()), (0, [].as_slice()));
    // Saved from within the attacker alone, the name is a prefix as any other.
    assert_eq!(named(&container(&shapes, "attacker.model.")).unwrap().prefixes, ["attacker.", "model."]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn prefixes_in_any_order_change_nothing_but_what_is_said_of_them(
        prefixes in proptest::collection::vec(prop_oneof![
            Just("module."), Just("_orig_mod."), Just("model."), Just("net."), Just("network."), Just("1."), Just("backbone."),
        ], 0..6),
        which in 0_usize..8,
        normalised in any::<bool>(),
    ) {
        let (codes, shapes) = published().into_iter().nth(which).unwrap();
        let plain = named(&container(&shapes, "")).unwrap();
        let mut wrapped = container(&shapes, &prefixes.concat());
        if normalised {
            // Beside the network, at any depth of what is around it.
            let around = prefixes[..prefixes.len() / 2].concat();
            for name in ["mu", "sigma"] {
                wrapped.tensors.push((format!("{around}{name}"), NamedTensor { shape: vec![3, 1, 1], values: vec![0.5; 3] }));
            }
        }
        let mut found = named(&wrapped).unwrap();
        prop_assert_eq!(&found.prefixes, &prefixes);
        prop_assert_eq!(found.normalisation.is_some(), normalised);
        found.tensors.retain(|name, _| !name.starts_with("normalise."));
        found.normalisation = None;
        found.prefixes.clear();
        prop_assert_eq!(found, plain, "{}", codes);
    }
}
