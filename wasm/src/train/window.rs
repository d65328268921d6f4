//! Windows of a convolution or a pooling over an image of shape `[H, W, C]`, with a result of
//! `[OH, OW]` pixels.

/// Sizes of an image, of the windows over it and of the result.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Window {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub out_height: usize,
    pub out_width: usize,
    pub rows: usize,
    pub columns: usize,
    pub stride_y: usize,
    pub stride_x: usize,
    pub dilation_y: usize,
    pub dilation_x: usize,
    pub pad_top: usize,
    pub pad_left: usize,
}

impl Window {
    /// Number of values of an image.
    pub fn image(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Number of pixels of the result.
    pub fn pixels(&self) -> usize {
        self.out_height * self.out_width
    }

    /// Number of values under a window.
    pub fn depth(&self) -> usize {
        self.rows * self.columns * self.channels
    }

    /// Height and width of the image with its padding, as far as the windows reach.
    pub fn padded(&self) -> [usize; 2] {
        [
            (self.out_height - 1) * self.stride_y + (self.rows - 1) * self.dilation_y + 1,
            (self.out_width - 1) * self.stride_x + (self.columns - 1) * self.dilation_x + 1,
        ]
    }

    /// Number of contiguous values under a window.
    pub fn run(&self) -> usize {
        if self.dilation_x == 1 { self.columns * self.channels } else { self.channels }
    }

    /// Calls `visit` with the index of each run of a window, and its start in the padded image
    /// relative to the window's first value.
    #[inline(always)]
    pub fn each_run(&self, mut visit: impl FnMut(usize, usize)) {
        let width = self.padded()[1];
        let each = if self.dilation_x == 1 { 1 } else { self.columns };
        for row in 0..self.rows {
            for column in 0..each {
                let pixel = row * self.dilation_y * width + column * self.dilation_x;
                visit(row * each + column, pixel * self.channels);
            }
        }
    }

    /// Calls `visit` with the index of each pixel of the result, and the start of its window in the
    /// padded image.
    #[inline(always)]
    pub fn each_start(&self, mut visit: impl FnMut(usize, usize)) {
        let width = self.padded()[1];
        for y in 0..self.out_height {
            for x in 0..self.out_width {
                visit(y * self.out_width + x, (y * self.stride_y * width + x * self.stride_x) * self.channels);
            }
        }
    }

    /// Returns the first pixel under the window of result pixel `pixel`, where there is no padding.
    #[inline(always)]
    pub fn first(&self, pixel: usize) -> usize {
        pixel / self.out_width * self.stride_y * self.width + pixel % self.out_width * self.stride_x
    }

    /// Calls `visit` with the index of each pixel under the window of result pixel `pixel`, and its
    /// place in the window; pixels of the padding are left out.
    #[inline(always)]
    pub fn each(&self, pixel: usize, mut visit: impl FnMut(usize, usize)) {
        let (y, x) = (pixel / self.out_width, pixel % self.out_width);
        for row in 0..self.rows {
            // An index above or to the left of the image wraps around to a large number.
            let from_y = (y * self.stride_y + row * self.dilation_y).wrapping_sub(self.pad_top);
            if from_y >= self.height {
                continue;
            }
            for column in 0..self.columns {
                let from_x = (x * self.stride_x + column * self.dilation_x).wrapping_sub(self.pad_left);
                if from_x < self.width {
                    visit(from_y * self.width + from_x, row * self.columns + column);
                }
            }
        }
    }
}
