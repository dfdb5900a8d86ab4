# Formats: bits, R, R 2^b, colour, shape, name.  A blank line ends a family with one scaling.
unset key
set border 3
set xrange [x_low:x_high]
bound(b) = 2.0**(-b)
set multiplot
set bmargin at screen split_low
set logscale y
set yrange [r_low:r_high]
set format y '%g'
set ylabel 'R = rms(error) / rms(weights)' textcolor rgb ink
set format x ''
plot bound(x) with lines lw 1.6 dt 2 lc rgb '#111111', \
     data using 1:2:4 with lines lw 1.2 lc rgb variable, \
     data using 1:2:5:4 with points pointtype variable lc rgb variable ps 0.9
unset label; unset arrow
set tmargin at screen split_high
set bmargin at screen bottom
set logscale y 2
set yrange [e_low:e_high]
set format x '%g'
set xlabel 'true bits per weight, scales and tables included' textcolor rgb ink
set ylabel 'R · 2^b' textcolor rgb ink
plot for [i=1:limits] limit_value[i] with lines lw 1.6 dt int(limit_dash[i]) lc rgb int(limit_colour[i]), \
     data using 1:3:4 with lines lw 1.2 lc rgb variable, \
     data using 1:3:5:4 with points pointtype variable lc rgb variable ps 0.9
unset multiplot
unset output
