# Two blocks.  Lines: tokens, s per token, low, high, share of the limit, colour, shape, variant; a blank
# line ends a line.  Then crossovers: tokens, colour, variant.
unset key
set border 3
set logscale x 2
set xrange [x_low:x_high]
set multiplot
set bmargin at screen split_low
set logscale y
set yrange [y_low:y_high]
set format y '%.0s %cs'
set ylabel 'time for a token' textcolor rgb ink
set xtics textcolor rgb '#ffffff'
plot data index 1 using 1:(y_low):(0):(y_high-y_low):2 with vectors nohead dt 3 lw 1.4 lc rgb variable, \
     data index 0 using 1:2:6 with lines lw 1.4 lc rgb variable, \
     data index 0 using 1:2:3:4 with yerrorbars pt 0 lw 1.2 lc rgb ink, \
     data index 0 using 1:2:(int($7)%2 ? $7 : $7+1) with points pointtype variable lc rgb '#ffffff' ps 1, \
     data index 0 using 1:2:7:6 with points pointtype variable lc rgb variable ps 1
unset label; unset arrow
set xtics textcolor rgb ink
set tmargin at screen split_high
set bmargin at screen bottom
unset logscale y
set yrange [0:share_high]
set format y '%g'
set xlabel 'tokens that share a pass over the weights' textcolor rgb ink
set ylabel 'share of the limit' textcolor rgb ink
plot 1 with lines lw 1.6 dt 2 lc rgb '#111111', \
     data index 1 using 1:(0):(0):(share_high):2 with vectors nohead dt 3 lw 1.4 lc rgb variable, \
     data index 0 using 1:5:6 with lines lw 1.4 lc rgb variable, \
     data index 0 using 1:5:(int($7)%2 ? $7 : $7+1) with points pointtype variable lc rgb '#ffffff' ps 1, \
     data index 0 using 1:5:7:6 with points pointtype variable lc rgb variable ps 1
unset multiplot
unset output
