# Blocks of data come in pairs, one pair a panel: the points (speed-up, low, high, y, colour, shape), and
# the front's steps (speed-up, y).
unset key
set border 3
set multiplot
do for [i=1:panels] {
    if (i == 2) { unset label; unset arrow }
    set lmargin at screen panel_left[i]
    set rmargin at screen panel_right[i]
    set tmargin at screen panel_top[i]
    set bmargin at screen panel_bottom[i]
    if (logarithmic_x) { set logscale x }
    if (logarithmic_y) { set logscale y; unset mytics }
    set xrange [panel_x_low[i]:panel_x_high[i]]
    set yrange [y_worst:y_best]
    plot data index 2*i-1 using 1:2 with lines lw 1.2 lc rgb '#aaaaaa', \
         data index 2*i-2 using 1:4:2:3 with xerrorbars pt 0 lw 1.2 lc rgb ink, \
         data index 2*i-2 using 1:4:(int($6)%2 ? $6 : $6+1) with points pointtype variable lc rgb '#ffffff' ps 1.1, \
         data index 2*i-2 using 1:4:6:5 with points pointtype variable lc rgb variable ps 1.1
}
unset multiplot
unset output
