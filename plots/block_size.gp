# Lines: block, R, R 2^b, colour, shape, format, scaling.  A blank line ends a line.
unset key
set border 3
set logscale x 2
set logscale y
set xrange [x_low:x_high]
set multiplot
set bmargin at screen split_low
set yrange [r_low:r_high]
set format y '%g'
set ylabel 'R = rms(error) / rms(weights)' textcolor rgb ink
set format x ''
set xtics textcolor rgb '#ffffff'
plot data using 1:2:4 with lines lw 1.4 lc rgb variable, \
     data using 1:2:5:4 with points pointtype variable lc rgb variable ps 0.9
unset label; unset arrow
set xtics textcolor rgb ink
set tmargin at screen split_high
set bmargin at screen bottom
if (e_high/e_low < 8) { unset logscale y } else { set logscale y 2 }
set yrange [e_low:e_high]
set xlabel 'block size (elements that share a scale)' textcolor rgb ink
set ylabel 'R · 2^b' textcolor rgb ink
plot data using 1:3:4 with lines lw 1.4 lc rgb variable, \
     data using 1:3:5:4 with points pointtype variable lc rgb variable ps 0.9
unset multiplot
unset output
