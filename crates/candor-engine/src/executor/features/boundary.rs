//! Where the feature part ends: the last feature maps become vectors, and the vectors' gradients become the maps'. And
//! where it begins: the input's gradients become pixels.

use std::ops::Range;

use super::lane::{Lane, gradient_slots, of_slots, of_slots_mut, tensor_slots};
use crate::executor::plan::{Boundary, Plan};
use crate::kernel::Layout;

impl Lane {
    /// The last feature maps of a block as vectors.
    pub fn write_rows(&mut self, plan: &Plan, samples: &Range<usize>, rows: &mut [f32]) {
        let (layout, count, last) = (plan.last(), plan.features, plan.steps.len());
        let maps = of_slots(&self.tensors[last], layout, &tensor_slots(plan, last, samples));
        let maps = maps.chunks_exact(layout.len());
        for ((row, map), slot) in rows.chunks_exact_mut(count).zip(maps).zip(self.remembered(samples)) {
            match plan.boundary {
                Boundary::Flatten if is_flat(layout) => row.copy_from_slice(map),
                Boundary::Flatten => flatten(layout, map, |index, value| row[index] = value),
                Boundary::GlobalAvg => {
                    row.fill(0.0);
                    let pixels = layout.height * layout.width;
                    flatten(layout, map, |index, value| row[index / pixels] += value);
                    row.iter_mut().for_each(|value| *value /= pixels as f32);
                }
                Boundary::GlobalMax => {
                    let places = &mut self.places[slot * count..][..count];
                    let pixels = layout.height * layout.width;
                    row.fill(f32::NEG_INFINITY);
                    flatten(layout, map, |index, value| {
                        if value > row[index / pixels] {
                            row[index / pixels] = value;
                            places[index / pixels] = (index % pixels) as u32;
                        }
                    });
                }
            }
        }
    }

    /// The gradients of a block's vectors as those of its last feature maps.
    pub fn read_row_gradients(&mut self, plan: &Plan, slots: &Range<usize>, rows: &[f32]) {
        let (layout, count) = (*plan.last(), plan.features);
        let Some(place) = plan.gradients.places[plan.steps.len()] else { return };
        let at = gradient_slots(plan, place, slots);
        let maps = of_slots_mut(&mut self.gradients[place], &layout, &at);
        let pixels = layout.height * layout.width;
        for ((row, map), slot) in
            rows.chunks_exact(count).zip(maps.chunks_exact_mut(layout.len())).zip(slots.clone())
        {
            match plan.boundary {
                Boundary::Flatten => unflatten(&layout, map, |index| row[index]),
                Boundary::GlobalAvg => unflatten(&layout, map, |index| row[index / pixels] / pixels as f32),
                Boundary::GlobalMax => {
                    map.fill(0.0);
                    let places = &self.places[slot * count..][..count];
                    for (channel, (&place, &gradient)) in places.iter().zip(row).enumerate() {
                        let (y, x) = (place as usize / layout.width, place as usize % layout.width);
                        map[layout.position(channel, y, x)] = gradient;
                    }
                }
            }
        }
    }
}

impl Lane {
    /// The gradients of a block's inputs, each height × width × channels.
    pub fn write_input_gradients(&self, plan: &Plan, samples: &Range<usize>, to: &mut [f32]) {
        let layout = &plan.layouts[0];
        let Some(place) = plan.gradients.places[0] else { return };
        let at = gradient_slots(plan, place, samples);
        let maps = of_slots(&self.gradients[place], layout, &at).chunks_exact(layout.len());
        let len = layout.height * layout.width * layout.channels;
        for (map, to) in maps.zip(to[samples.start * len..].chunks_exact_mut(len)) {
            flatten(layout, map, |index, value| to[interleaved(layout, index)] = value);
        }
    }
}

impl Lane {
    /// Adds what the lane's samples contribute to one seed to height × width × channels values.
    pub fn add_contributions(&self, plan: &Plan, seed: usize, to: &mut [f32]) {
        let layout = &plan.layouts[0];
        let sums = of_slots(&self.contributions, layout, &(seed..seed + 1));
        flatten(layout, sums, |index, value| to[interleaved(layout, index)] += value);
    }
}

/// Where the value with this running number of [`flatten`] stands among height × width × channels values.
fn interleaved(layout: &Layout, index: usize) -> usize {
    let pixels = layout.height * layout.width;
    index % pixels * layout.channels + index / pixels
}

/// Whether the values lie in the order in which [`flatten`] visits them.
fn is_flat(layout: &Layout) -> bool {
    layout.block == 1 && layout.len() == layout.height * layout.width
}

/// Visits the values of one sample channel by channel, row by row, with their running number.
fn flatten(layout: &Layout, map: &[f32], mut visit: impl FnMut(usize, f32)) {
    let mut index = 0;
    for channel in 0..layout.channels {
        for y in 0..layout.height {
            let start = layout.position(channel, y, 0);
            for x in 0..layout.width {
                visit(index, map[start + x * layout.block]);
                index += 1;
            }
        }
    }
}

/// The way back from [`flatten`]; channels that only fill up a block get zero.
fn unflatten(layout: &Layout, map: &mut [f32], value: impl Fn(usize) -> f32) {
    let pixels = layout.height * layout.width;
    for channel in 0..layout.planes() * layout.block {
        for y in 0..layout.height {
            let start = layout.position(channel, y, 0);
            for x in 0..layout.width {
                let index = channel * pixels + y * layout.width + x;
                map[start + x * layout.block] = if channel < layout.channels { value(index) } else { 0.0 };
            }
        }
    }
}
