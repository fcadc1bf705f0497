//! NumPy's arrays inside pickles.

use std::borrow::Cow;

use super::Value;

/// An array of NumPy as it lies in a pickle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NumpyArray<'p> {
    /// NumPy's name of the type with its byte order, for example `|u1` or `<f4`.
    pub(crate) dtype: String,
    pub(crate) shape: Vec<u64>,
    /// Whether the first dimension runs fastest.
    pub(crate) fortran_order: bool,
    /// Its numbers. Their count is what the file says: it need not fit `shape`.
    pub(crate) bytes: Cow<'p, [u8]>,
}

impl<'p> Value<'p, '_> {
    /// The array that this value is, in either way that NumPy writes one.
    pub(crate) fn numpy(self) -> Option<NumpyArray<'p>> {
        let (module, name) = self.callable()?;
        let fits = |wanted: &[&str]| wanted.contains(&module);
        let shape = |value: Value<'p, '_>| {
            value
                .elements()
                .into_iter()
                .map(|size| size.int().and_then(|size| u64::try_from(size).ok()))
                .collect::<Option<Vec<u64>>>()
        };
        if name == "_reconstruct" && fits(&["numpy.core.multiarray", "numpy._core.multiarray"]) {
            // (version, shape, dtype, is_fortran, data)
            let state = self.state()?.elements();
            let [_, sizes, dtype, fortran, data] = *state.as_slice() else { return None };
            return Some(NumpyArray {
                dtype: dtype.numpy_dtype()?,
                shape: shape(sizes)?,
                fortran_order: fortran.int()? != 0,
                bytes: data.bytes()?,
            });
        }
        if name == "_frombuffer" && fits(&["numpy.core.numeric", "numpy._core.numeric"]) {
            // Protocol 5: (buffer, dtype, shape, order)
            let arguments = self.arguments();
            let [data, dtype, sizes, order] = *arguments.as_slice() else { return None };
            return Some(NumpyArray {
                dtype: dtype.numpy_dtype()?,
                shape: shape(sizes)?,
                fortran_order: order.text()? == "F",
                bytes: data.bytes()?,
            });
        }
        None
    }

    /// The name of a NumPy type: `dtype('u1', …)` and its state `(3, '|', …)`.
    fn numpy_dtype(self) -> Option<String> {
        if self.callable()? != ("numpy", "dtype") {
            return None;
        }
        let kind = self.arguments().first()?.text()?;
        let state = self.state().map(Self::elements).unwrap_or_default();
        let order = state.get(1).and_then(|order| order.text()).unwrap_or("|");
        // `=` is the writer's own order; all that run PyTorch are little-endian.
        Some(format!("{}{kind}", if order == "=" { "<" } else { order }))
    }
}
