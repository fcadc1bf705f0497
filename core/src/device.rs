//! Devices of tensors: the adapters of this machine, and what is opened on them. Only this module knows adapters, their limits and the
//! messages about them.

mod choice;

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use burn::{
    backend::DispatchDevice,
    tensor::{
        Device, Tensor,
        wgpu::{WgpuSetup, wgpu},
    },
};

pub use choice::{auto_choice, choose, shared, to_draw_with};

use crate::pace;

/// Storage buffers that the attack's kernels bind at once.
const STORAGE_BUFFERS: u32 = 8;

/// The kind of an adapter's hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdapterKind {
    /// A graphics card of its own.
    Discrete,
    /// Graphics inside the processor.
    Integrated,
    /// A share of a card, in a virtual machine.
    Virtual,
    /// Hardware behind a browser, which reveals no more.
    Browser,
    /// A program on the CPU that emulates a GPU: correct and slow.
    Software,
    /// The system does not say.
    Unknown,
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discrete => "discrete GPU",
            Self::Integrated => "integrated GPU",
            Self::Virtual => "virtual GPU",
            Self::Browser => "GPU of the browser",
            Self::Software => "software adapter",
            Self::Unknown => "adapter of unknown kind",
        })
    }
}

/// One adapter of this machine.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// The driver's name for it.
    pub name: String,
    /// Its graphics API.
    pub api: String,
    /// The kind of its hardware.
    pub kind: AdapterKind,
    /// The driver and its version, as reported.
    pub driver: String,
    /// Greatest buffer, in bytes.
    pub max_buffer: u64,
    /// Why it cannot run the attack; `None` if it can.
    pub problem: Option<String>,
    instance: wgpu::Instance,
    adapter: wgpu::Adapter,
}

/// Why a device is unavailable or was lost.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum DeviceError {
    /// No adapter has the requested kind or name.
    #[error("device {asked}: {found}")]
    NotFound {
        /// The request.
        asked: String,
        /// The available adapters.
        found: String,
    },
    /// The adapter refused to open a device.
    #[error("{adapter} gives no device: {cause}. Update its driver, or compute on the CPU.")]
    Refused {
        /// The adapter's name.
        adapter: String,
        /// The driver's message.
        cause: String,
    },
    /// A network does not fit into memory.
    #[error("{model} does not fit into memory on {device}: {why}. Take a smaller network, a smaller batch or another device.")]
    NoRoom {
        /// The network.
        model: String,
        /// The device's name.
        device: String,
        /// The memory that it needs, and the memory that exists.
        why: String,
    },
    /// The device stopped answering during work.
    #[error("the device no longer answers: {0}")]
    Lost(String),
}

/// A chosen device.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The device of tensors.
    pub device: Device,
    /// Its name for people.
    pub name: String,
    /// `Vulkan`, `Metal`, `Dx12`, `BrowserWebGpu`, or `flex` for the CPU backend.
    pub api: String,
    /// Whether it is the CPU backend.
    pub cpu: bool,
    /// The reason for the choice, in a sentence.
    pub why: String,
    /// The wgpu device under the tensors; `None` for the CPU backend.
    gpu: Option<wgpu::Device>,
}

impl Chosen {
    /// The CPU backend, which is always available.
    pub fn cpu(why: impl Into<String>) -> Self {
        Self { device: Device::flex(), name: "CPU".to_owned(), api: "flex".to_owned(), cpu: true, why: why.into(), gpu: None }
    }

    /// Bytes of GPU memory in use, by tensors and by the networks' buffers, which stay between steps. `None` for the CPU backend, and if the
    /// driver does not report memory.
    pub fn memory(&self) -> Option<u64> {
        Some(self.gpu.as_ref()?.generate_allocator_report()?.total_allocated_bytes)
    }

    /// Bytes of the largest tensor on the GPU; `None` for the CPU backend.
    pub fn largest_buffer(&self) -> Option<u64> {
        let limits = self.gpu.as_ref()?.limits();
        Some(limits.max_buffer_size.min(limits.max_storage_buffer_binding_size))
    }

    /// Destroys the GPU device under the tensors, as a driver reset does, to test the consequences. Does nothing on the CPU backend.
    pub fn destroy(&self) {
        if let Some(gpu) = &self.gpu {
            gpu.destroy();
        }
    }
}

/// The wgpu objects under the tensors, for kernels that bypass the tensor library.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    pub(crate) device: wgpu::Device,
    /// The queue, which the tensor library uses as well.
    pub(crate) queue: wgpu::Queue,
    /// The kind of its hardware.
    pub(crate) kind: AdapterKind,
}

/// All devices opened for tensors. They live as long as the program, because the tensor library keeps them too.
static OPENED: Mutex<Vec<(Device, Raw)>> = Mutex::new(Vec::new());

/// The wgpu objects under the tensors of this device; `None` for the CPU backend, and for a device opened elsewhere.
pub(crate) fn raw(device: &Device) -> Option<Raw> {
    let opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.iter().find(|(known, _)| known == device).map(|(_, raw)| raw.clone())
}

/// Whether a software adapter was opened. One flag is enough, because a program computes on one GPU.
static SOFTWARE: AtomicBool = AtomicBool::new(false);

/// Waits for a software adapter, where waiting is faster.
///
/// The tensor library's queues hold 32 operations, and a thread that finds one full polls. On a software adapter that polling takes processor
/// time from the driver (measured on two cores: a training step takes 20 ms, and 13.5 ms with a wait between attack and update). A page
/// cannot wait, and has no thread that polls.
pub(crate) fn wait_if_software(device: &Device) {
    if cfg!(not(target_arch = "wasm32")) && !is_cpu(device) && SOFTWARE.load(Ordering::Relaxed) {
        // A device that is gone says so at the next reading.
        let _ = device.sync();
    }
}

/// Whether steps may be queued faster than the GPU computes them. In a page no thread waits for the GPU, so its queue would grow without bound
/// and the picture would lag by minutes. On other systems the queue is bounded: a thread that finds it full blocks until there is room.
pub(crate) fn may_run_ahead() -> bool {
    cfg!(target_arch = "wasm32")
}

/// Whether the opened GPU is a software adapter.
pub fn is_software() -> bool {
    SOFTWARE.load(Ordering::Relaxed)
}

/// The SIMD instructions that our loops on the CPU use, such as `AVX2`.
pub fn instructions() -> &'static str {
    crate::kernels::cpu::instructions()
}

/// Whether this device is the CPU backend.
pub fn is_cpu(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// All adapters, through Vulkan, Metal, DirectX 12 or the browser's WebGPU; empty without a driver.
pub async fn adapters() -> Vec<Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::PRIMARY;
    let instance = wgpu::Instance::new(descriptor);
    let found = instance.enumerate_adapters(wgpu::Backends::PRIMARY).await;
    found.into_iter().map(|adapter| Adapter::describe(instance.clone(), adapter)).collect()
}

impl Adapter {
    fn describe(instance: wgpu::Instance, adapter: wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let limits = adapter.limits();
        let buffers = limits.max_storage_buffers_per_shader_stage;
        let problem = if !adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS) {
            Some("it has no compute shaders".to_owned())
        } else if buffers < STORAGE_BUFFERS {
            Some(format!("it binds {buffers} storage buffers, the attack needs {STORAGE_BUFFERS}"))
        } else {
            None
        };
        let in_browser = info.backend == wgpu::Backend::BrowserWebGpu;
        let name = match info.device_type {
            _ if !info.name.is_empty() => info.name,
            wgpu::DeviceType::Cpu => "software adapter".to_owned(),
            _ => "GPU".to_owned(),
        };
        Self {
            name,
            api: info.backend.to_str().to_owned(),
            kind: match info.device_type {
                wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
                wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
                wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
                wgpu::DeviceType::Cpu => AdapterKind::Software,
                wgpu::DeviceType::Other if in_browser => AdapterKind::Browser,
                wgpu::DeviceType::Other => AdapterKind::Unknown,
            },
            driver: [info.driver, info.driver_info].join(" ").trim().to_owned(),
            max_buffer: limits.max_buffer_size,
            problem,
            instance,
            adapter,
        }
    }

    /// Whether `auto` may choose it: it is capable, and no software adapter, which would be slower than the CPU backend.
    pub fn suits_auto(&self) -> bool {
        self.problem.is_none() && self.kind != AdapterKind::Software && self.kind != AdapterKind::Unknown
    }

    /// Opens the adapter.
    ///
    /// # Errors
    /// [`DeviceError::Refused`] with the driver's words.
    async fn open(self, why: String) -> Result<Chosen, DeviceError> {
        let refused = |cause: String| DeviceError::Refused { adapter: self.name.clone(), cause };
        if let Some(problem) = &self.problem {
            return Err(refused(problem.clone()));
        }
        let asked_for = self.adapter.request_device(&descriptor(&self.adapter)).await;
        let (device, queue) = asked_for.map_err(|error| refused(error.to_string()))?;
        self.with(device, queue, why)
    }

    /// Uses a device opened on this adapter.
    fn with(self, device: wgpu::Device, queue: wgpu::Queue, why: String) -> Result<Chosen, DeviceError> {
        let refused = |cause: String| DeviceError::Refused { adapter: self.name.clone(), cause };
        let setup = WgpuSetup {
            instance: self.instance.clone(),
            adapter: self.adapter.clone(),
            device: device.clone(),
            queue: queue.clone(),
            backend: self.adapter.get_info().backend,
        };
        pace::begin(self.kind);
        SOFTWARE.store(self.kind == AdapterKind::Software, Ordering::Relaxed);
        let tensors = Device::wgpu_options()
            .tasks_max(pace::dispatches_together(self.kind))
            .setup(setup)
            .init()
            .map_err(|error| refused(error.to_string()))?;
        let raw = Raw { device: device.clone(), queue, kind: self.kind };
        OPENED.lock().unwrap_or_else(PoisonError::into_inner).push((tensors.clone(), raw));
        Ok(Chosen { device: tensors, name: self.name.clone(), api: self.api.clone(), cpu: false, why, gpu: Some(device) })
    }
}

/// The request for a device, the same in the library and in the window. CubeCL relies on every feature that the adapter offers, so the request
/// contains all except mappable primary buffers and experimental features.
pub fn descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    let features = adapter
        .features()
        .difference(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS)
        .difference(wgpu::Features::all_experimental_mask());
    wgpu::DeviceDescriptor {
        label: Some("gairat"),
        required_features: features,
        required_limits: adapter.limits(),
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    }
}

/// Reads a tensor back to the host, its last dimension running fastest; waits for all work before it.
///
/// # Errors
/// [`DeviceError::Lost`] when the device no longer answers.
pub async fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, DeviceError> {
    let data = tensor.into_data_async().await.map_err(|error| DeviceError::Lost(error.to_string()))?;
    data.try_into_vec::<f32>().map_err(|error| DeviceError::Lost(format!("{error:?}")))
}
