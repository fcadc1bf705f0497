// 1 for the samples of a quad that are some, 0 for those that fill up.
fn real(q: u32) -> vec4<f32> {
    let s = q % p.quads * 4u;
    return select(vec4<f32>(0.0), vec4<f32>(1.0), vec4<u32>(s, s + 1u, s + 2u, s + 3u) < vec4<u32>(p.samples));
}
