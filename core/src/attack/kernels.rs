//! The attack's kernels as operations of burn: on the GPU the shader, on the CPU its twin, and a backward pass for the loss.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{Int, Shape, Tensor, TensorData},
};
use burn_wgpu::CubeBackend;

use super::{
    attack_mlp,
    loss_gradient_and_count::{self, CountSettings, RECORD},
    pgd_step::{self, StepSettings},
    whole::{self, RECORDS, WholeAttack},
};

/// The operations that a backend implements to run the attack.
#[backend_extension(Cube, Flex, Autodiff)]
pub(crate) trait AttackKernels: Backend {
    /// See [`pgd_step`](fn@pgd_step::pgd_step).
    fn pgd_step(
        iterate: FloatTensor<Self>,
        natural: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        settings: StepSettings,
    ) -> FloatTensor<Self>;

    /// Losses (N), their gradient with respect to the logits (N x C) and the records (N x 4); see
    /// [`loss_gradient_and_count`](fn@loss_gradient_and_count::loss_gradient_and_count).
    fn loss_gradient_and_count(
        logits: FloatTensor<Self>,
        labels: IntTensor<Self>,
        reference: FloatTensor<Self>,
        before: FloatTensor<Self>,
        settings: CountSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// x^(K) (N x D), the records (N x 8) and the trajectories; see [`whole_attack`](fn@whole::whole_attack). On the GPU for
    /// perceptrons only.
    fn whole_attack(
        natural: FloatTensor<Self>,
        start: FloatTensor<Self>,
        labels: IntTensor<Self>,
        parameters: FloatTensor<Self>,
        attack: WholeAttack,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl AttackKernels for CubeBackend {
    fn pgd_step(
        iterate: FloatTensor<Self>,
        natural: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        settings: StepSettings,
    ) -> FloatTensor<Self> {
        pgd_step::launch(iterate, natural, gradient, settings)
    }

    fn loss_gradient_and_count(
        logits: FloatTensor<Self>,
        labels: IntTensor<Self>,
        reference: FloatTensor<Self>,
        before: FloatTensor<Self>,
        settings: CountSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        loss_gradient_and_count::launch(logits, labels, reference, before, settings)
    }

    fn whole_attack(
        natural: FloatTensor<Self>,
        start: FloatTensor<Self>,
        labels: IntTensor<Self>,
        parameters: FloatTensor<Self>,
        attack: WholeAttack,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        attack_mlp::launch(natural, start, labels, parameters, &attack)
    }
}

impl AttackKernels for Flex {
    fn pgd_step(
        iterate: FloatTensor<Self>,
        natural: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        settings: StepSettings,
    ) -> FloatTensor<Self> {
        let (iterate, natural, gradient) = (iterate.to_contiguous(), natural.to_contiguous(), gradient.to_contiguous());
        let mut stepped = vec![0.0; iterate.layout().num_elements()];
        pgd_step::pgd_step(iterate.storage(), natural.storage(), gradient.storage(), &mut stepped, settings);
        FloatTensor::<Self>::from_data(TensorData::new(stepped, iterate.layout().shape().clone()))
    }

    fn loss_gradient_and_count(
        logits: FloatTensor<Self>,
        labels: IntTensor<Self>,
        reference: FloatTensor<Self>,
        before: FloatTensor<Self>,
        settings: CountSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (logits, labels) = (logits.to_contiguous(), labels.to_contiguous());
        let (reference, before) = (reference.to_contiguous(), before.to_contiguous());
        let (samples, classes) = (logits.layout().shape()[0], logits.layout().shape()[1]);
        let result = loss_gradient_and_count::loss_gradient_and_count(
            logits.storage(),
            labels.storage(),
            reference.storage(),
            before.storage(),
            classes,
            settings,
        );
        let tensor = |values: Vec<f32>, shape: Vec<usize>| FloatTensor::<Self>::from_data(TensorData::new(values, shape));
        (
            tensor(result.losses, vec![samples]),
            tensor(result.gradient, vec![samples, classes]),
            tensor(result.records, vec![samples, RECORD]),
        )
    }

    fn whole_attack(
        natural: FloatTensor<Self>,
        start: FloatTensor<Self>,
        labels: IntTensor<Self>,
        parameters: FloatTensor<Self>,
        attack: WholeAttack,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (natural, start) = (natural.to_contiguous(), start.to_contiguous());
        let (labels, parameters) = (labels.to_contiguous(), parameters.to_contiguous());
        let samples = natural.layout().shape()[0];
        let attacked = whole::whole_attack(natural.storage(), start.storage(), labels.storage(), parameters.storage(), &attack);
        let tensor = |values: Vec<f32>, shape: Vec<usize>| FloatTensor::<Self>::from_data(TensorData::new(values, shape));
        let trajectory = match attack.trajectory_len() {
            0 => tensor(vec![0.0], vec![1, 1]),
            len => tensor(attacked.trajectory, vec![samples, len]),
        };
        (tensor(attacked.images, natural.layout().shape().to_vec()), tensor(attacked.records, vec![samples, RECORDS]), trajectory)
    }
}

impl<B: AttackKernels, C: CheckpointStrategy> AttackKernels for Autodiff<B, C> {
    /// Nothing flows back through a step: the attack's iterates are data.
    fn pgd_step(
        iterate: FloatTensor<Self>,
        natural: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        settings: StepSettings,
    ) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::pgd_step(
            iterate.into_primitive(),
            natural.into_primitive(),
            gradient.into_primitive(),
            settings,
        ))
    }

    /// The losses flow back to the logits; gradient and records are data.
    fn loss_gradient_and_count(
        logits: FloatTensor<Self>,
        labels: IntTensor<Self>,
        reference: FloatTensor<Self>,
        before: FloatTensor<Self>,
        settings: CountSettings,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        /// d(sum u_i loss_i) / d logits_ic = u_i gradient_ic, for whatever u comes from above.
        #[derive(Debug)]
        struct LossBackward;

        impl<B: Backend> Backward<B, 1> for LossBackward {
            type State = FloatTensor<B>;

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
                let [parent] = ops.parents;
                let above = grads.consume::<B>(&ops.node);
                if let Some(parent) = parent {
                    use burn::backend::TensorMetadata as _;
                    let samples = above.shape()[0];
                    let above = B::float_reshape(above, Shape::new([samples, 1]));
                    grads.register::<B>(parent.id, B::float_mul(ops.state, above));
                }
            }
        }

        let node = logits.node();
        let (losses, gradient, records) = B::loss_gradient_and_count(
            logits.into_primitive(),
            labels,
            reference.into_primitive(),
            before.into_primitive(),
            settings,
        );
        let losses = match LossBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(gradient.clone(), losses),
            OpsKind::UnTracked(prepared) => prepared.finish(losses),
        };
        (losses, FloatTensor::<Self>::new(gradient), FloatTensor::<Self>::new(records))
    }

    /// An attack's results are data.
    fn whole_attack(
        natural: FloatTensor<Self>,
        start: FloatTensor<Self>,
        labels: IntTensor<Self>,
        parameters: FloatTensor<Self>,
        attack: WholeAttack,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (images, records, trajectory) =
            B::whole_attack(natural.into_primitive(), start.into_primitive(), labels, parameters.into_primitive(), attack);
        (FloatTensor::<Self>::new(images), FloatTensor::<Self>::new(records), FloatTensor::<Self>::new(trajectory))
    }
}

/// One PGD step on tensors outside the autodiff graph, all N x D; see [`pgd_step`](mod@pgd_step).
pub fn pgd_step(iterate: Tensor<2>, natural: Tensor<2>, gradient: Tensor<2>, settings: StepSettings) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as AttackKernels>::pgd_step(
        iterate.into_dispatch(),
        natural.into_dispatch(),
        gradient.into_dispatch(),
        settings,
    ))
}

/// Losses and records of a batch; the losses carry the gradient of tracked logits.
#[derive(Clone, Debug)]
pub struct Counted {
    /// N losses, tracked if the logits are.
    pub losses: Tensor<1>,
    /// N x 4 records, outside the graph.
    pub records: Tensor<2>,
}

/// Loss and count of logits (N x C, tracked or not); the other tensors are outside the graph. See
/// [`loss_gradient_and_count`](mod@loss_gradient_and_count).
pub fn loss_gradient_and_count(
    logits: Tensor<2>,
    labels: Tensor<1, Int>,
    reference: Tensor<2>,
    before: Tensor<2>,
    settings: CountSettings,
) -> Counted {
    let (losses, _gradient, records) = <Dispatch as AttackKernels>::loss_gradient_and_count(
        logits.into_dispatch(),
        labels.into_dispatch(),
        reference.into_dispatch(),
        before.into_dispatch(),
        settings,
    );
    Counted { losses: Tensor::from_dispatch(losses), records: Tensor::<2>::from_dispatch(records).without_autodiff() }
}

/// A whole attack: x^(K) (N x D), the records after x⁰ and after x^(K-1) (N x 8), and the trajectories
/// (N x (K + 1)(2 + D), or 1 x 1 where none are kept). `natural` and `start` are N x D.
pub(super) fn whole_attack(
    natural: Tensor<2>,
    start: Tensor<2>,
    labels: Tensor<1, Int>,
    parameters: Tensor<1>,
    attack: WholeAttack,
) -> (Tensor<2>, Tensor<2>, Tensor<2>) {
    let (images, records, trajectory) = <Dispatch as AttackKernels>::whole_attack(
        natural.into_dispatch(),
        start.into_dispatch(),
        labels.into_dispatch(),
        parameters.into_dispatch(),
        attack,
    );
    (Tensor::from_dispatch(images), Tensor::from_dispatch(records), Tensor::from_dispatch(trajectory))
}
