//! The decision regions of a network over a rectangle of the plane: launches `shaders/region_map.wgsl`, and holds its CPU twin.

use std::sync::Arc;

use burn::{
    backend::{Backend, Dispatch, Flex, backend_extension, tensor::FloatTensor},
    tensor::{Device, Tensor, TensorData},
};
use burn_wgpu::{
    CubeBackend, CubeDim, CubeTensor, KernelSource, SourceKernel, SourceTemplate, Wgpu, into_contiguous, kernel_source,
};
use cubecl::{
    prelude::KernelId,
    wgpu::{AutoCompiler, WgpuServer},
};
use derive_new::new;

use serde::{Deserialize, Serialize};

use crate::{
    attack::sizes_for_gpu,
    device,
    kernels::cpu::{InLanes, for_each_part},
    launch,
    model::{Classifier, Layers, Program},
    pace,
};

/// Slots of four numbers in a half of the workgroup's memory, as in the shader.
const HALF: usize = 512;
/// The most cells of a workgroup: a multiple of 4.
const TOGETHER: usize = 32;

/// The quantity of a map's cells, besides the most likely class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Quantity {
    /// Its probability, from 1 / classes to 1.
    #[default]
    Probability,
    /// The distance of its logit to the next one, at least 0.
    Margin,
}

/// A grid of cells over a rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Cells from left to right, at least 1.
    pub columns: usize,
    /// Cells from top to bottom, at least 1.
    pub rows: usize,
    /// The first coordinate at the left edge and at the right one.
    pub across: [f32; 2],
    /// The second coordinate at the top edge and at the bottom one.
    pub down: [f32; 2],
}

impl Grid {
    /// A grid of cells over the unit square, with (0, 1) at the top left.
    pub fn unit(columns: usize, rows: usize) -> Self {
        Self { columns, rows, across: [0.0, 1.0], down: [1.0, 0.0] }
    }

    /// The number of cells.
    pub fn cells(&self) -> usize {
        self.columns * self.rows
    }

    /// The middle of a cell; cells count row by row from the top left.
    pub fn middle(&self, cell: usize) -> [f32; 2] {
        let part = |place: usize, of: usize| (place as f32 + 0.5) / of as f32;
        let across = part(cell % self.columns, self.columns);
        let down = part(cell / self.columns, self.rows);
        let [[left, right], [top, bottom]] = [self.across, self.down];
        [left + (right - left) * across, top - (top - bottom) * down]
    }
}

/// The twin: (class, quantity) of every cell, for a network of points in the plane.
pub fn region_map(layers: &Layers, parameters: &[f32], grid: Grid, quantity: Quantity) -> Vec<f32> {
    let network = InLanes::new(layers, parameters);
    let per_tile = network.samples_per_tile();
    let classes = layers.classes();
    let mut map = vec![0.0; 2 * grid.cells()];
    let parts: Vec<&mut [f32]> = map.chunks_mut(2 * per_tile).collect();
    for_each_part(
        parts,
        || network.tile(1),
        |tile, place, part| {
            let points = tile.samples();
            for point in 0..part.len() / 2 {
                let [x, y] = grid.middle(place * per_tile + point);
                (points[point], points[per_tile + point]) = (x, y);
            }
            network.forward(tile);
            let logits = tile.logits();
            for (point, cell) in part.chunks_exact_mut(2).enumerate() {
                let logit = |class: usize| logits[class * per_tile + point];
                let (mut top, mut highest, mut next) = (0, logit(0), f32::MIN);
                for class in 1..classes {
                    let here = logit(class);
                    if here > highest {
                        (top, highest, next) = (class, here, highest);
                    } else if here > next {
                        next = here;
                    }
                }
                cell[0] = top as f32;
                cell[1] = match quantity {
                    Quantity::Probability => 1.0 / (0..classes).map(|class| (logit(class) - highest).exp()).sum::<f32>(),
                    Quantity::Margin => highest - next,
                };
            }
        },
    );
    map
}

/// The settings of a map.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    layers: Arc<Layers>,
    grid: Grid,
    quantity: Quantity,
}

/// The operation that a backend implements to compute a map.
#[backend_extension(Cube, Flex)]
trait RegionMap: Backend {
    fn region_map(parameters: FloatTensor<Self>, asked: Asked) -> FloatTensor<Self>;
}

kernel_source!(RegionMapText, "../../shaders/region_map.wgsl");

/// The kernel for CubeCL's cache: one text, no templates.
#[derive(Debug)]
struct RegionMapKernel;

impl KernelSource for RegionMapKernel {
    fn source(&self) -> SourceTemplate {
        RegionMapText::new().source()
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>()
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}

impl RegionMap for CubeBackend {
    fn region_map(parameters: FloatTensor<Self>, asked: Asked) -> FloatTensor<Self> {
        let Asked { layers, grid, quantity } = asked;
        let parameters = into_contiguous(parameters);
        let map = launch::empty(&parameters, [grid.cells(), 2]);
        let sizes: Vec<u32> = layers.signals.iter().map(|signal| signal.iter().product::<usize>() as u32).collect();
        let widest = sizes.iter().max().map_or(1, |&units| (units as usize).div_ceil(Layers::SLOT));
        let together = (HALF / widest).min(TOGETHER) / 4 * 4;
        let [[left, right], [top, bottom]] = [grid.across, grid.down];
        let slice = (pace::allowed() as usize / layers.multiplications().max(1)).next_multiple_of(together);
        for from in (0..grid.cells()).step_by(slice) {
            let to = (from + slice).min(grid.cells());
            let mut words = vec![grid.columns as u32, grid.rows as u32, from as u32, to as u32];
            words.extend([together as u32, layers.layers.len() as u32]);
            words.push(match quantity {
                Quantity::Probability => 0,
                Quantity::Margin => 1,
            });
            words.extend([left, right - left, top, top - bottom].map(f32::to_bits));
            words.extend((0..6).map(|layer| sizes.get(layer).copied().unwrap_or(0)));
            parameters.client.launch(
                Box::new(SourceKernel::new(RegionMapKernel, CubeDim::new_1d(launch::WORKGROUP as u32))),
                launch::workgroups((to - from).div_ceil(together)),
                launch::arguments([&parameters, &map], &words),
            );
            if to < grid.cells() {
                // Else CubeCL would gather slices in one submission.
                let _ = parameters.client.flush();
            }
        }
        map
    }
}

impl RegionMap for Flex {
    fn region_map(parameters: FloatTensor<Self>, asked: Asked) -> FloatTensor<Self> {
        let Asked { layers, grid, quantity } = asked;
        let parameters = parameters.to_contiguous();
        let map = region_map(&layers, parameters.storage(), grid, quantity);
        FloatTensor::<Self>::from_data(TensorData::new(map, vec![grid.cells(), 2]))
    }
}

/// The map of `network` as a tensor on its device (cells x 2: class and quantity). Reads nothing back. `None` unless the network is a list of
/// layers over points in the plane, which on a GPU the kernel must support.
pub fn map_of(network: &dyn Classifier, grid: Grid, quantity: Quantity, device: &Device) -> Option<Tensor<2>> {
    let program = network.program().filter(|program| program.is_frozen() && fits(program, device))?;
    let asked = Asked { layers: Arc::new(program.layers.clone()), grid, quantity };
    let map = <Dispatch as RegionMap>::region_map(program.parameters().into_dispatch(), asked);
    Some(Tensor::from_dispatch(map))
}

/// A map that stays on the GPU, for a window on the same device. The buffer holds (class, quantity) of every cell as two f32; nothing else
/// uses it while this value lives.
#[derive(Clone, Debug)]
pub struct OnDevice {
    /// The buffer.
    pub buffer: wgpu::Buffer,
    /// The offset of the map in the buffer, in bytes.
    pub offset: u64,
    /// The length of the map, in bytes.
    pub len: u64,
    /// Keeps the tensor library from reusing the buffer.
    _map: CubeTensor,
}

impl OnDevice {
    /// Submits the computation of `map`, a result of [`map_of`], and finds its buffer; `None` on the CPU backend.
    pub fn of(map: Tensor<2>) -> Option<Self> {
        if device::is_cpu(&map.device()) {
            return None;
        }
        let map = map.try_into_primitive::<Wgpu>().ok()?;
        map.client.flush().ok()?;
        let found = map.client.get_resource::<WgpuServer<AutoCompiler>>(map.handle.clone()).ok()?;
        let resource = found.resource();
        let len = (map.meta.shape().num_elements() * size_of::<f32>()) as u64;
        Some(Self { buffer: resource.buffer.clone(), offset: resource.offset, len, _map: map })
    }
}

fn fits(program: &Program, device: &Device) -> bool {
    program.layers.inputs() == 2 && (device::is_cpu(device) || sizes_for_gpu(&program.layers).is_ok())
}
