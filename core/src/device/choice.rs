//! The choice of the device: which adapter is meant by what was asked for, and why.

use burn::tensor::wgpu::wgpu;

use super::{Adapter, AdapterKind, Chosen, DeviceError, adapters};

/// The message without any adapter.
const NO_DRIVER: &str = if cfg!(target_arch = "wasm32") {
    "this browser gives no WebGPU adapter"
} else {
    "no graphics driver (Vulkan, Metal or DirectX 12) was found"
};

/// The index of the adapter for a window whose runs compute on `asked`: the named one, else the choice of `auto`, else the first.
pub fn to_draw_with(asked: &str, adapters: &[wgpu::Adapter]) -> Option<usize> {
    let wanted = asked.trim().to_lowercase();
    let names: Vec<String> = adapters.iter().map(|adapter| adapter.get_info().name).collect();
    let named = index_of(&wanted, names.iter().map(String::as_str));
    let of_kind = |kind: wgpu::DeviceType| adapters.iter().position(|adapter| adapter.get_info().device_type == kind);
    let kinds = [wgpu::DeviceType::DiscreteGpu, wgpu::DeviceType::IntegratedGpu, wgpu::DeviceType::VirtualGpu];
    named.filter(|_| !wanted.is_empty()).or_else(|| kinds.into_iter().find_map(of_kind)).or(if adapters.is_empty() {
        None
    } else {
        Some(0)
    })
}

/// The window's device, for computing too, if `asked` means that device. The window must open it with [`descriptor`](super::descriptor).
/// `None` if runs need a device of their own.
pub fn shared(
    asked: &str,
    instance: wgpu::Instance,
    adapter: wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
) -> Option<Chosen> {
    let described = Adapter::describe(instance, adapter);
    let asked = asked.trim().to_lowercase();
    let meant = match asked.as_str() {
        "cpu" | "" => false,
        "auto" | "gpu" => described.suits_auto(),
        "software" => described.problem.is_none() && described.kind == AdapterKind::Software,
        name => described.problem.is_none() && described.name.to_lowercase().contains(name),
    };
    if !meant {
        return None;
    }
    let kind = described.kind;
    described.with(device, queue, format!("{asked}: the {kind} that the window draws with")).ok()
}

/// The choice of `auto` among `adapters`, by index, and the reason: the first discrete GPU, else the first integrated one, else the first
/// virtual one, else that of the browser.
pub fn auto_choice(adapters: &[Adapter]) -> (Option<usize>, String) {
    for kind in [AdapterKind::Discrete, AdapterKind::Integrated, AdapterKind::Virtual, AdapterKind::Browser] {
        if let Some(index) = adapters.iter().position(|adapter| adapter.kind == kind && adapter.suits_auto()) {
            return (Some(index), format!("auto: the first {kind}"));
        }
    }
    let reason = if adapters.is_empty() {
        format!("auto: {NO_DRIVER}")
    } else {
        let names: Vec<String> = adapters
            .iter()
            .map(|adapter| match &adapter.problem {
                Some(problem) => format!("{} is unfit: {problem}", adapter.name),
                None => format!("{} is a {}, slower than the CPU backend", adapter.name, adapter.kind),
            })
            .collect();
        format!("auto: no usable GPU ({})", names.join("; "))
    };
    (None, reason)
}

/// The index of the adapter that `asked` means: a number, which can select the second of two equal cards, or part of a name (case does not
/// matter).
fn index_of<'a>(asked: &str, names: impl Iterator<Item = &'a str> + Clone) -> Option<usize> {
    let number = asked.parse::<usize>().ok().filter(|number| *number < names.clone().count());
    let wanted = asked.to_lowercase();
    number.or_else(|| names.clone().position(|name| name.to_lowercase().contains(&wanted)))
}

/// The device for `asked`: `auto`, `gpu`, `cpu`, `software`, an adapter's number as [`adapters`] lists them, or part of its name (case
/// does not matter).
///
/// `auto` falls back to the CPU backend, with the reason in [`Chosen::why`], also when a driver refuses.
///
/// # Errors
/// [`DeviceError`] if a device requested by name is missing or does not open.
pub async fn choose(asked: &str) -> Result<Chosen, DeviceError> {
    let lower = asked.trim().to_lowercase();
    let asked = if matches!(lower.as_str(), "auto" | "gpu" | "cpu" | "software") { lower.as_str() } else { asked.trim() };
    if asked.is_empty() {
        return Err(DeviceError::NotFound { asked: "\"\"".to_owned(), found: "no name was given".to_owned() });
    }
    if asked == "cpu" {
        return Ok(Chosen::cpu("asked for"));
    }
    let mut adapters = adapters().await;
    if asked == "auto" || asked == "gpu" {
        let (index, why) = auto_choice(&adapters);
        return match index {
            Some(index) => match adapters.swap_remove(index).open(why).await {
                Err(error) if asked == "auto" => Ok(Chosen::cpu(format!("auto: {error}"))),
                opened => opened,
            },
            None if asked == "auto" => Ok(Chosen::cpu(why)),
            None => Err(DeviceError::NotFound { asked: asked.to_owned(), found: why.trim_start_matches("auto: ").to_owned() }),
        };
    }
    let by_kind = |adapter: &Adapter| asked == "software" && adapter.kind == AdapterKind::Software;
    let meant = adapters.iter().position(by_kind).or_else(|| index_of(asked, adapters.iter().map(|adapter| &*adapter.name)));
    match meant {
        Some(index) => adapters.swap_remove(index).open("asked for by name".to_owned()).await,
        None => {
            let names: Vec<&str> = adapters.iter().map(|adapter| adapter.name.as_str()).collect();
            let found = if names.is_empty() {
                NO_DRIVER.to_owned()
            } else {
                let listed = names.iter().enumerate().map(|(index, name)| format!("{index}: {name}"));
                format!("no adapter has that number, or that in its name; there is {}", listed.collect::<Vec<_>>().join(", "))
            };
            Err(DeviceError::NotFound { asked: asked.to_owned(), found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::index_of;

    #[test]
    fn the_second_of_two_equal_cards_has_a_number() {
        let names = ["GeForce RTX 3090", "GeForce RTX 3090", "llvmpipe (LLVM 15)"];
        let index = |asked| index_of(asked, names.iter().copied());
        assert_eq!([index("0"), index("1"), index("2")], [Some(0), Some(1), Some(2)]);
        assert_eq!([index("geforce"), index("LLVM"), index("3090")], [Some(0), Some(2), Some(0)]);
        assert_eq!([index("4"), index("radeon")], [None, None]);
    }
}
