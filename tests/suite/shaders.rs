//! Every shader is valid on its own, as core WebGPU without extensions, and keeps the rules under which it is launched.

use std::{collections::BTreeSet, fs, path::PathBuf};

use naga::{
    AddressSpace, ShaderStage, StorageAccess,
    valid::{Capabilities, ValidationFlags, Validator},
};

/// All shaders but those of `network/`, whose files are parts of texts: a test beside the code that puts them together checks every text;
/// and but the layers of a perceptron, which others include.
fn shaders() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shaders");
    let folders = [folder.clone(), folder.join("perceptron")];
    let mut found: Vec<PathBuf> =
        folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_file() && !path.ends_with("layers.wgsl"));
    found.sort();
    assert!(!found.is_empty());
    found
}

/// The whole text of a shader.
fn text_of(path: &std::path::Path) -> String {
    let layers = path.with_file_name("layers.wgsl");
    let text = fs::read_to_string(path).unwrap();
    if text.contains("//@include layers") {
        text.replace("//@include layers", &fs::read_to_string(layers).unwrap())
    } else {
        text
    }
}

/// What is drawn with, not computed with.
const PICTURES: [&str; 2] = ["marks.wgsl", "region_picture.wgsl"];

fn is_picture(path: &std::path::Path) -> bool {
    PICTURES.iter().any(|name| path.ends_with(name))
}

#[test]
fn every_picture_is_core_webgpu_with_a_vertex_and_a_fragment_stage() {
    let pictures: Vec<PathBuf> = shaders().into_iter().filter(|path| is_picture(path)).collect();
    assert_eq!(pictures.len(), PICTURES.len());
    for path in pictures {
        let text = fs::read_to_string(&path).unwrap();
        let module = naga::front::wgsl::parse_str(&text).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&text)));
        let valid = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
        valid.unwrap_or_else(|error| panic!("{}: {}", path.display(), error.emit_to_string(&text)));
        let stages: Vec<ShaderStage> = module.entry_points.iter().map(|entry| entry.stage).collect();
        assert_eq!(stages, [ShaderStage::Vertex, ShaderStage::Fragment], "{}", path.display());
        assert!(text.starts_with("// "), "{}: begins with its purpose", path.display());
    }
}

#[test]
fn every_kernel_is_core_webgpu_with_one_entry_point_and_contiguous_bindings() {
    for path in shaders().into_iter().filter(|path| !is_picture(path)) {
        let name = path.display();
        assert_eq!(path.extension().and_then(|e| e.to_str()), Some("wgsl"), "{name}: shaders/ holds shaders");
        let text = text_of(&path);
        assert!(!text.contains("{{"), "{name}: no placeholders; a shader is valid as it stands");
        let module = naga::front::wgsl::parse_str(&text).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&text)));
        let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
            .validate(&module)
            .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(&text)));

        let [entry] = module.entry_points.as_slice() else { panic!("{name}: one entry point") };
        assert_eq!((entry.name.as_str(), entry.stage), ("main", ShaderStage::Compute), "{name}");
        let invocations: u32 = entry.workgroup_size.iter().product();
        assert!((1..=256).contains(&invocations), "{name}: {invocations} invocations in a workgroup");

        let mut bindings = BTreeSet::new();
        let mut written = 0;
        for (handle, variable) in module.global_variables.iter() {
            let Some(binding) = &variable.binding else { continue };
            assert_eq!(binding.group, 0, "{name}: group 0 alone");
            let AddressSpace::Storage { access } = variable.space else { panic!("{name}: storage buffers alone") };
            written += usize::from(access.contains(StorageAccess::STORE));
            assert!(!info.get_entry_point(0)[handle].is_empty(), "{name}: {:?} is not used by main", variable.name);
            bindings.insert(binding.binding);
        }
        assert!(bindings.iter().copied().eq(0..bindings.len() as u32), "{name}: bindings from 0 without gaps: {bindings:?}");
        assert!(bindings.len() <= 8, "{name}: at most 8 storage buffers, as core WebGPU grants");
        assert!(written >= 1, "{name}: writes something");
        assert!(text.starts_with("// "), "{name}: begins with its purpose");
    }
}
