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

use super::{engine::Engine, sgd::Sgd, tensors::OnGpu};
use crate::{
    device::{self, AdapterKind, Raw},
    dispatches, launch, pace,
};

/// WebGPU's limit on the workgroups along one side of a dispatch.
pub(super) const MAX_SIDE: usize = 65_535;

/// A device and what is kept for it as long as the program runs.
#[derive(Debug)]
pub(super) struct Gpu {
    raw: Raw,
    pipelines: Mutex<HashMap<String, ComputePipeline>>,
    /// Idle engines with their buffers: the next step of a training has the same layers.
    #[expect(clippy::vec_box, reason = "an engine is large, and goes in and out of here at every pass")]
    pub(super) idle: Mutex<Vec<Box<Engine>>>,
    /// What steps of SGD need, once there was one.
    pub(super) sgd: Mutex<Option<Sgd>>,
}

/// One dispatch or copy, ready to be sent again and again.
#[derive(Clone, Debug)]
pub(super) struct Step {
    what: What,
    /// Multiplications, as far as they count.
    work: u64,
}

#[derive(Clone, Debug)]
enum What {
    Dispatch {
        pipeline: ComputePipeline,
        group: wgpu::BindGroup,
        grid: [u32; 3],
    },
    /// So many bytes from the beginning of one buffer to that of another.
    Copy {
        from: Buffer,
        to: Buffer,
        bytes: u64,
    },
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
    /// Of a device that tensors are on; `None` for the CPU backend and for a device that this program did not open.
    pub(super) fn of(device: &Device) -> Option<Arc<Self>> {
        static KNOWN: Mutex<Vec<(Device, Arc<Gpu>)>> = Mutex::new(Vec::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, gpu)) = known.iter().find(|(other, _)| other == device) {
            return Some(gpu.clone());
        }
        let raw = device::raw(device)?;
        let gpu = Arc::new(Self { raw, pipelines: Mutex::default(), idle: Mutex::default(), sgd: Mutex::default() });
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
        let uniform = self.words(settings, BufferUsages::UNIFORM);
        let buffers: Vec<&Buffer> = std::iter::once(&uniform).chain(buffers.iter().copied()).collect();
        self.bound(text, &buffers, grid, work)
    }

    /// A dispatch of one of the shaders that the tensor library launches as well: the settings come last.
    pub(super) fn shared(&self, text: &str, buffers: &[&Buffer], settings: &[u32], invocations: usize) -> Step {
        let settings = self.words(settings, BufferUsages::STORAGE);
        let buffers: Vec<&Buffer> = buffers.iter().copied().chain([&settings]).collect();
        let groups = invocations.div_ceil(launch::WORKGROUP).max(1);
        let rows = groups.div_ceil(MAX_SIDE);
        self.bound(text, &buffers, [groups.div_ceil(rows), rows, 1], invocations)
    }

    fn bound(&self, text: &str, buffers: &[&Buffer], grid: [usize; 3], work: usize) -> Step {
        let pipeline = self.pipeline(text);
        let entries: Vec<BindGroupEntry<'_>> = buffers
            .iter()
            .zip(0..)
            .map(|(buffer, binding)| BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let layout = pipeline.get_bind_group_layout(0);
        let group = self.raw.device.create_bind_group(&BindGroupDescriptor { label: None, layout: &layout, entries: &entries });
        Step { what: What::Dispatch { pipeline, group, grid: grid.map(|side| side as u32) }, work: work as u64 }
    }

    /// A buffer with these words.
    fn words(&self, words: &[u32], usage: BufferUsages) -> Buffer {
        let bytes: &[u8] = bytemuck::cast_slice(words);
        let buffer = self.raw.device.create_buffer(&BufferDescriptor {
            label: Some("gairat settings"),
            size: (bytes.len() as u64).next_multiple_of(16),
            usage: usage | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        self.raw.queue.write_buffer(&buffer, 0, bytes);
        buffer
    }

    /// Copies so many numbers from the beginning of one buffer to that of another.
    pub(super) fn copy_step(&self, from: &Buffer, to: &Buffer, numbers: usize) -> Step {
        Step { what: What::Copy { from: from.clone(), to: to.clone(), bytes: WORD * numbers as u64 }, work: 0 }
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

    /// Writes numbers to the beginning of a buffer, before what is sent next.
    pub(super) fn write(&self, buffer: &Buffer, numbers: &[f32]) {
        self.raw.queue.write_buffer(buffer, 0, bytemuck::cast_slice(numbers));
    }

    /// Sets all numbers of a buffer to 0.
    pub(super) fn clear(&self, buffer: &Buffer) {
        let mut encoder = self.raw.device.create_command_encoder(&CommandEncoderDescriptor::default());
        encoder.clear_buffer(buffer, 0, None);
        self.raw.queue.submit([encoder.finish()]);
    }

    /// Sends dispatches, in as many submissions as the pace asks for.
    pub(super) fn run<'a>(&self, steps: impl IntoIterator<Item = &'a Step>) {
        let allowed = pace::allowed();
        let mut steps = steps.into_iter().peekable();
        while steps.peek().is_some() {
            let mut encoder = self.raw.device.create_command_encoder(&CommandEncoderDescriptor::default());
            let (mut work, mut dispatches) = (0, 0);
            let mut pass = None;
            // At least one, however long it is.
            while let Some(step) = steps.next_if(|step| work == 0 || work + step.work <= allowed) {
                work += step.work;
                match &step.what {
                    What::Dispatch { pipeline, group, grid: [x, y, z] } => {
                        let pass = pass.get_or_insert_with(|| {
                            encoder.begin_compute_pass(&ComputePassDescriptor::default()).forget_lifetime()
                        });
                        pass.set_pipeline(pipeline);
                        pass.set_bind_group(0, group, &[]);
                        pass.dispatch_workgroups(*x, *y, *z);
                        dispatches += 1;
                    }
                    What::Copy { from, to, bytes } => {
                        // A pass ends before something is copied.
                        pass = None;
                        encoder.copy_buffer_to_buffer(from, 0, to, 0, *bytes);
                    }
                }
            }
            drop(pass);
            self.raw.queue.submit([encoder.finish()]);
            dispatches::note(dispatches);
        }
    }
}
