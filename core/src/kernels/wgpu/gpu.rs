//! The device under the tensors, with the pipelines that were compiled on it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use burn::tensor::Device;
use wgpu::{
    BindGroupDescriptor, BindGroupEntry, Buffer, BufferDescriptor, BufferUsages, CommandEncoderDescriptor, ComputePassDescriptor,
    ComputePipeline, ComputePipelineDescriptor, PipelineCompilationOptions, ShaderModuleDescriptor, ShaderRuntimeChecks,
    ShaderSource,
};

use super::{engine::Engine, tensors::OnGpu};
use crate::{
    device::{self, AdapterKind, Raw},
    dispatches, pace,
};

/// WebGPU's limit on the workgroups along one side of a dispatch.
pub(super) const MAX_SIDE: usize = 65_535;

/// A device and what is kept for it as long as the program runs.
#[derive(Debug)]
pub(super) struct Gpu {
    raw: Raw,
    pipelines: Mutex<HashMap<String, ComputePipeline>>,
    /// Networks that nobody uses now, with their buffers: the next step of a training has the same layers.
    pub(super) idle: Mutex<Vec<Box<Engine>>>,
}

/// One dispatch, ready to be sent again and again.
#[derive(Debug)]
pub(super) struct Step {
    pipeline: ComputePipeline,
    group: wgpu::BindGroup,
    grid: [u32; 3],
    /// Multiplications, as far as they count.
    work: u64,
}

/// Bytes of one number.
pub(super) const WORD: u64 = size_of::<f32>() as u64;

/// Workgroups of 256 for so many invocations, in a grid.
pub(super) fn grid(invocations: usize) -> [usize; 3] {
    let groups = invocations.div_ceil(256).max(1);
    let rows = groups.div_ceil(MAX_SIDE);
    [groups.div_ceil(rows), rows, 1]
}

impl Gpu {
    /// Of a device that tensors are on; `None` for the CPU backend, in a page, and for a device that this program did not open.
    pub(super) fn of(device: &Device) -> Option<Arc<Self>> {
        // Not yet tried in a page, whose tensors go layer by layer meanwhile.
        if cfg!(target_arch = "wasm32") {
            return None;
        }
        static KNOWN: Mutex<Vec<(Device, Arc<Gpu>)>> = Mutex::new(Vec::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, gpu)) = known.iter().find(|(other, _)| other == device) {
            return Some(gpu.clone());
        }
        let raw = device::raw(device)?;
        let gpu = Arc::new(Self { raw, pipelines: Mutex::default(), idle: Mutex::default() });
        known.push((device.clone(), gpu.clone()));
        Some(gpu)
    }

    /// Whether the device is a program on the CPU.
    pub(super) fn is_software(&self) -> bool {
        matches!(self.raw.kind, AdapterKind::Software | AdapterKind::Unknown)
    }

    /// Bytes that the signals of a network may take.
    pub(super) fn memory(&self) -> u64 {
        if self.raw.kind == AdapterKind::Discrete { 1 << 30 } else { 1 << 28 }
    }

    /// Bytes of the largest buffer that a kernel may bind.
    pub(super) fn largest_buffer(&self) -> u64 {
        let limits = self.raw.device.limits();
        limits.max_buffer_size.min(limits.max_storage_buffer_binding_size)
    }

    /// A buffer of so many numbers, all 0.
    pub(super) fn buffer(&self, numbers: usize) -> Buffer {
        self.raw.device.create_buffer(&BufferDescriptor {
            label: Some("gairat network"),
            size: WORD * numbers.next_multiple_of(4).max(4) as u64,
            usage: BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        })
    }

    /// A dispatch of the kernel `text`: the settings are binding 0, the buffers follow.
    pub(super) fn step(&self, text: &str, settings: &[u32], buffers: &[&Buffer], grid: [usize; 3], work: usize) -> Step {
        let pipeline = self.pipeline(text);
        let bytes: &[u8] = bytemuck::cast_slice(settings);
        let uniform = self.raw.device.create_buffer(&BufferDescriptor {
            label: Some("gairat settings"),
            size: (bytes.len() as u64).next_multiple_of(16),
            usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.raw.queue.write_buffer(&uniform, 0, bytes);
        let entries: Vec<BindGroupEntry<'_>> = std::iter::once(&uniform)
            .chain(buffers.iter().copied())
            .zip(0..)
            .map(|(buffer, binding)| BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let layout = pipeline.get_bind_group_layout(0);
        let group = self.raw.device.create_bind_group(&BindGroupDescriptor { label: None, layout: &layout, entries: &entries });
        Step { pipeline, group, grid: grid.map(|side| side as u32), work: work as u64 }
    }

    /// The kernel, compiled at its first use.
    fn pipeline(&self, text: &str) -> ComputePipeline {
        let mut pipelines = self.pipelines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = pipelines.get(text) {
            return pipeline.clone();
        }
        let descriptor = ShaderModuleDescriptor { label: Some("gairat network"), source: ShaderSource::Wgsl(text.into()) };
        // Checks cost a 64-bit counter in every loop and a comparison at every index.
        #[expect(
            unsafe_code,
            reason = "the texts are our own: they guard every index with the settings, which are made from the sizes of the buffers, and \
                      every loop ends at a number of the settings"
        )]
        // SAFETY: see the reason.
        let module = unsafe { self.raw.device.create_shader_module_trusted(descriptor, ShaderRuntimeChecks::unchecked()) };
        let pipeline = self.raw.device.create_compute_pipeline(&ComputePipelineDescriptor {
            label: Some("gairat network"),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            // Every kernel writes its workgroup's memory before it reads there.
            compilation_options: PipelineCompilationOptions { zero_initialize_workgroup_memory: false, ..Default::default() },
            cache: None,
        });
        pipelines.insert(text.to_owned(), pipeline.clone());
        pipeline
    }

    /// Copies tensors into buffers, each to where its first number goes. `None` where the device is gone.
    pub(super) fn copy_from(&self, copies: &[(OnGpu, &Buffer, usize)]) -> Option<()> {
        self.copy(copies.iter().map(|(tensor, buffer, place)| (tensor, *buffer, *place)), true)
    }

    /// Copies parts of buffers into tensors, each from where its first number is.
    pub(super) fn copy_to(&self, copies: &[(OnGpu, &Buffer, usize)]) -> Option<()> {
        self.copy(copies.iter().map(|(tensor, buffer, place)| (tensor, *buffer, *place)), false)
    }

    fn copy<'a>(&self, copies: impl Iterator<Item = (&'a OnGpu, &'a Buffer, usize)>, to_buffer: bool) -> Option<()> {
        let mut copies = copies.peekable();
        copies.peek()?.0.flush()?;
        let mut encoder = self.raw.device.create_command_encoder(&CommandEncoderDescriptor::default());
        for (tensor, buffer, place) in copies {
            let ((region, begin), place, bytes) = (tensor.found()?, WORD * place as u64, WORD * tensor.numbers as u64);
            if to_buffer {
                encoder.copy_buffer_to_buffer(&region, begin, buffer, place, bytes);
            } else {
                encoder.copy_buffer_to_buffer(buffer, place, &region, begin, bytes);
            }
        }
        self.raw.queue.submit([encoder.finish()]);
        Some(())
    }

    /// Sets all numbers of a buffer to 0.
    pub(super) fn clear(&self, buffer: &Buffer) {
        let mut encoder = self.raw.device.create_command_encoder(&CommandEncoderDescriptor::default());
        encoder.clear_buffer(buffer, 0, None);
        self.raw.queue.submit([encoder.finish()]);
    }

    /// Sends dispatches, in as many submissions as the pace asks for.
    pub(super) fn run(&self, steps: &[Step]) {
        dispatches::note(steps.len());
        let allowed = pace::allowed();
        let mut rest = steps;
        while !rest.is_empty() {
            let mut work = 0;
            let fits = rest.iter().take_while(|step| {
                work += step.work;
                work <= allowed
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            let mut encoder = self.raw.device.create_command_encoder(&CommandEncoderDescriptor::default());
            let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
            for step in now {
                let [x, y, z] = step.grid;
                pass.set_pipeline(&step.pipeline);
                pass.set_bind_group(0, &step.group, &[]);
                pass.dispatch_workgroups(x, y, z);
            }
            drop(pass);
            self.raw.queue.submit([encoder.finish()]);
            rest = later;
        }
    }
}
